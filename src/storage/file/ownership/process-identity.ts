import { codeOf } from '../journal/file-io.js';
import type { FilePlatform, FileSystem } from '../journal/file-system.js';

/** Stands for what can't be looked up. */
const UNKNOWN = '-';

/** This process, as it stands in the names of what its stores own: see journal-name.ts. */
export function processIdentity({ fs, pid }: FilePlatform): string {
  const boot = read(() => fs.readFileSync('/proc/sys/kernel/random/boot_id').toString().trim());
  const namespace = read(() => /\d+/.exec(fs.readlinkSync('/proc/self/ns/pid'))?.[0]);
  const start = read(() => startTime(fs, pid));
  return `${boot}_${namespace}_${pid}_${start}`;
}

/**
 * Judges the owner in a name by the identity of its process. Whatever can't be looked up, for whatever reason, proves nothing.
 *
 * @param self - The store that asks, as it stands in names.
 */
export function ownerStatus(
  { fs, isRunning, openStores }: FilePlatform,
  owner: string,
  self: string,
): 'alive' | 'dead' | 'unknown' {
  const [boot, namespace, pid, start, store = ''] = owner.split('_');
  const [ownBoot, ownNamespace, ownPid, ownStart] = self.split('_');
  const isSameNamespace = boot === ownBoot && namespace === ownNamespace;
  if (isSameNamespace && pid === ownPid && start === ownStart) {
    // Not open here: in another thread of this process, or dead.
    return (openStores ?? openStoresOfThread()).has(store) ? 'alive' : 'unknown';
  }
  if (!isSameNamespace || [boot, namespace, start].includes(UNKNOWN)) return 'unknown';
  try {
    return startTime(fs, Number(pid)) === start ? 'alive' : 'dead';
  } catch (error) {
    // Others' processes can be hidden from /proc: whether a signal would reach them tells.
    const code = codeOf(error);
    return (code === 'ENOENT' || code === 'ESRCH') && !isRunning(Number(pid)) ? 'dead' : 'unknown';
  }
}

/** In clock ticks since boot; `undefined` for a zombie. @throws the system's error if the process can't be looked up. */
function startTime(fs: FileSystem, pid: number): string | undefined {
  const stat = fs.readFileSync(`/proc/${pid}/stat`).toString();
  // The second field is the program's name in brackets, which may hold anything; the start time is the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
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
