import { Buffer } from 'node:buffer';
import { createHash, randomFillSync } from 'node:crypto';
import type { Clock } from '../../../core/time/clock.js';
import { quietly } from '../../shared/quietly.js';
import { randomId } from '../../shared/random-id.js';
import { codeOf } from '../journal/file-io.js';
import type { FilePlatform } from '../journal/file-system.js';
import type { SafeFiles } from '../journal/safe-files.js';

/** Replaces facts that can't be looked up. */
const UNKNOWN = '-';

/** Draws an id; the global `crypto` does not exist in every realm of Node. */
export const newId = (clock: Clock): string => randomId(clock, randomFillSync);

/** The processes of this machine. */
export type Processes = Pick<FilePlatform, 'pid' | 'isRunning' | 'openStores'>;

interface ProcessFacts {
  readonly boot: string;
  readonly namespace: string;
  readonly pid: number;
  /** In clock ticks since boot. */
  readonly start: string;
}

/** Encodes an unknown start time. */
const NO_START = 2n ** 64n - 1n;
const PROCESS_BYTES = 12;

/** Makes the owner in a journal's name: see journal-name.ts. */
export function encodeOwner(facts: ProcessFacts, store: string, machine = machineOf(facts)): string {
  const bytes = Buffer.alloc(PROCESS_BYTES);
  bytes.writeUInt32BE(facts.pid >>> 0);
  bytes.writeBigUInt64BE(/^\d{1,19}$/.test(facts.start) ? BigInt(facts.start) : NO_START, 4);
  return `${machine}_${masked(bytes, facts, store).toString('hex')}_${store}`;
}

function machineOf({ boot, namespace }: ProcessFacts): string {
  if (boot === UNKNOWN || namespace === UNKNOWN) return UNKNOWN;
  return digest(`${boot} ${namespace}`).toString('hex').slice(0, 16);
}

/** Its own inverse, given the boot id and the namespace: names contain only a hash of these. */
function masked(bytes: Buffer, { boot, namespace }: ProcessFacts, store: string): Buffer {
  const mask = digest(`${boot} ${namespace} ${store}`);
  return bytes.map((byte, index) => byte ^ (mask[index] as number)) as Buffer;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A store of this process: an owner of journals that judges other owners. */
export class ProcessIdentity {
  readonly #files: SafeFiles;
  readonly #processes: Processes;
  readonly #openStores: Set<string>;
  readonly #facts: ProcessFacts;
  readonly #machine: string;
  #store = '';

  constructor(files: SafeFiles, processes: Processes) {
    this.#files = files;
    this.#processes = processes;
    this.#openStores = processes.openStores ?? openStoresOfThread();
    const { pid } = processes;
    this.#facts = {
      boot: read(() => bootIdOf(files)),
      namespace: read(() => /\d+/.exec(files.readSystemLink('/proc/self/ns/pid'))?.[0]),
      pid,
      start: read(() => this.#startTime(pid)),
    };
    this.#machine = machineOf(this.#facts);
  }

  /** The store in file names. */
  get owner(): string {
    return this.#ownerName(this.#store);
  }

  /** Registers the store, whose id is drawn in the first call. */
  open(clock: Clock): void {
    this.#store ||= newId(clock);
    this.#openStores.add(this.#store);
  }

  close(): void {
    this.#openStores.delete(this.#store);
  }

  /** Judges the owner in a file name by its process; a failed lookup proves nothing. */
  status(owner: string): 'alive' | 'dead' | 'unknown' {
    const [machine = '', process = '', store = ''] = owner.split('_');
    if (machine !== this.#machine) return 'unknown';
    // A store of this process that is not open in this thread may be open in another thread.
    if (owner === this.#ownerName(store)) return this.#openStores.has(store) ? 'alive' : 'unknown';
    if (machine === UNKNOWN) return 'unknown';
    const bytes = masked(Buffer.from(process, 'hex'), this.#facts, store);
    const start = bytes.readBigUInt64BE(4);
    return start === NO_START ? 'unknown' : this.#statusOf(bytes.readUInt32BE(), String(start));
  }

  #ownerName(store: string): string {
    return encodeOwner(this.#facts, store, this.#machine);
  }

  #statusOf(pid: number, start: string): 'alive' | 'dead' | 'unknown' {
    try {
      return this.#startTime(pid) === start ? 'alive' : 'dead';
    } catch (error) {
      // /proc may hide the processes of other users; a signal still finds them.
      const code = codeOf(error);
      return (code === 'ENOENT' || code === 'ESRCH') && !this.#processes.isRunning(pid) ? 'dead' : 'unknown';
    }
  }

  /** In clock ticks since boot; `undefined` for a zombie. Throws if the process can't be looked up. */
  #startTime(pid: number): string | undefined {
    const stat = this.#files.readSystemFile(`/proc/${pid}/stat`);
    // Field 2 is the program's name in brackets, which may contain any text; field 22 is the start time.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  }
}

/** The id of the machine's boot. Throws where there is none. */
export const bootIdOf = (files: SafeFiles): string => files.readSystemFile('/proc/sys/kernel/random/boot_id').trim();

const read = (get: () => string | undefined): string => quietly(get) || UNKNOWN;

const KEY = Symbol.for('nikdev-iot.open-stores');

/** The ids of the stores that are open in this thread: one set for all copies of this package, such as its ESM and CommonJS builds. */
function openStoresOfThread(): Set<string> {
  const known: unknown = Reflect.get(globalThis, KEY);
  if (known !== undefined) return known as Set<string>;
  const stores = new Set<string>();
  // If the global object is frozen, each store has its own set, and other stores are judged by their heartbeats.
  Reflect.defineProperty(globalThis, KEY, { value: stores });
  return stores;
}
