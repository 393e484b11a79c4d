import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { codeOf } from '../journal/file-io.js';
import type { FilePlatform, SafeFiles } from '../journal/file-system.js';

/** Stands for what can't be looked up. */
const UNKNOWN = '-';

/** The processes of this machine. */
export type Processes = Pick<FilePlatform, 'pid' | 'isRunning' | 'openStores'>;

/** The machine or container that processes run in, from one boot on. */
interface MachineFacts {
  readonly boot: string;
  readonly namespace: string;
}

/** A process as the system knows it. */
interface ProcessFacts extends MachineFacts {
  readonly pid: number;
  /** In clock ticks since boot. */
  readonly start: string;
}

/** Where a start time is unknown. */
const NO_START = 2n ** 64n - 1n;
const PROCESS_BYTES = 12;

/** A store of a process in the names of the journals that it owns: see journal-name.ts. */
export function encodeOwner(facts: ProcessFacts, store: string, machine = machineOf(facts)): string {
  const bytes = Buffer.alloc(PROCESS_BYTES);
  bytes.writeUInt32BE(facts.pid >>> 0);
  bytes.writeBigUInt64BE(/^\d{1,19}$/.test(facts.start) ? BigInt(facts.start) : NO_START, 4);
  return `${machine}_${masked(bytes, facts, store).toString('hex')}_${store}`;
}

function machineOf({ boot, namespace }: MachineFacts): string {
  if (boot === UNKNOWN || namespace === UNKNOWN) return UNKNOWN;
  return digest(`${boot} ${namespace}`).toString('hex').slice(0, 16);
}

/** Its own inverse, for a reader who knows the boot id and the namespace: names hold only a hash of these. */
function masked(bytes: Buffer, { boot, namespace }: MachineFacts, store: string): Buffer {
  const mask = digest(`${boot} ${namespace} ${store}`);
  return bytes.map((byte, index) => byte ^ (mask[index] as number)) as Buffer;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** This process, as the owner of journals and the judge of other owners. */
export class ProcessIdentity {
  readonly #files: SafeFiles;
  readonly #processes: Processes;
  readonly #facts: ProcessFacts;
  readonly #machine: string;

  constructor(files: SafeFiles, processes: Processes) {
    this.#files = files;
    this.#processes = processes;
    const { pid } = processes;
    this.#facts = {
      boot: read(() => files.readSystemFile('/proc/sys/kernel/random/boot_id').trim()),
      namespace: read(() => /\d+/.exec(files.readSystemLink('/proc/self/ns/pid'))?.[0]),
      pid,
      start: read(() => this.#startTime(pid)),
    };
    this.#machine = machineOf(this.#facts);
  }

  /** A store of this process as it stands in names. */
  ownerName(store: string): string {
    return encodeOwner(this.#facts, store, this.#machine);
  }

  /** Judges the owner in a name by its process. Whatever can't be looked up, for whatever reason, proves nothing. */
  status(owner: string): 'alive' | 'dead' | 'unknown' {
    const [machine = '', process = '', store = ''] = owner.split('_');
    if (machine !== this.#machine) return 'unknown';
    // Not open here: in another thread of this process, or dead.
    if (owner === this.ownerName(store)) return this.#openStores.has(store) ? 'alive' : 'unknown';
    if (machine === UNKNOWN) return 'unknown';
    const bytes = masked(Buffer.from(process, 'hex'), this.#facts, store);
    const start = bytes.readBigUInt64BE(4);
    return start === NO_START ? 'unknown' : this.#statusOf(bytes.readUInt32BE(), String(start));
  }

  get #openStores(): Set<string> {
    return this.#processes.openStores ?? openStoresOfThread();
  }

  #statusOf(pid: number, start: string): 'alive' | 'dead' | 'unknown' {
    try {
      return this.#startTime(pid) === start ? 'alive' : 'dead';
    } catch (error) {
      // Others' processes can be hidden from /proc: whether a signal would reach them tells.
      const code = codeOf(error);
      return (code === 'ENOENT' || code === 'ESRCH') && !this.#processes.isRunning(pid) ? 'dead' : 'unknown';
    }
  }

  /** In clock ticks since boot; `undefined` for a zombie. @throws the system's error if the process can't be looked up. */
  #startTime(pid: number): string | undefined {
    const stat = this.#files.readSystemFile(`/proc/${pid}/stat`);
    // The second field is the program's name in brackets, which may hold anything; the start time is the 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  }
}

function read(get: () => string | undefined): string {
  try {
    return get() || UNKNOWN;
  } catch {
    return UNKNOWN;
  }
}

const KEY = Symbol.for('nikdev-iot.open-stores');

/**
 * The ids of the stores that are open in this thread: one set for all copies of this package in it, such as its ESM and its
 * CommonJS build. Another thread has a set of its own.
 */
export function openStoresOfThread(): Set<string> {
  const known: unknown = Reflect.get(globalThis, KEY);
  if (known !== undefined) return known as Set<string>;
  const stores = new Set<string>();
  // Where the global object is frozen, each store knows of itself only: the others are judged by their heartbeats.
  Reflect.defineProperty(globalThis, KEY, { value: stores });
  return stores;
}
