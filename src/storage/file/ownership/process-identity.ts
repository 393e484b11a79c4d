import { codeOf } from '../journal/file-io.js';
import type { FilePlatform, FileSystem } from '../journal/file-system.js';

/*
 * A journal is owned by the process in its name:
 *
 *   nikdev-iot-1_<boot id>_<pid namespace>_<pid>_<start time>_<file>.journal     owned
 *   nikdev-iot-1_free_<file>.journal                                             owned by nobody
 *
 * While its owner rewrites it, the new text stands beside it, under its name with .tmp behind.
 *
 * Times of files and clocks say nothing here: devices boot in 1970 and jump. A process of the same boot and the same
 * namespace of pids is looked up in /proc, its start time telling a reused pid apart. Of any other (another machine, a
 * restarted container, a system without /proc) nothing can be proved.
 */
const UNKNOWN = '-';

/** This process, as it stands in the names of what it owns. */
export function processIdentity({ fs, pid }: FilePlatform): string {
  const boot = read(() => fs.readFileSync('/proc/sys/kernel/random/boot_id').toString().trim());
  const namespace = read(() => /\d+/.exec(fs.readlinkSync('/proc/self/ns/pid'))?.[0]);
  const start = read(() => startTime(fs, pid));
  return `${boot}_${namespace}_${pid}_${start}`;
}

/** What is known of the owner in a name. Whatever can't be looked up, for whatever reason, proves nothing. */
export function ownerStatus(
  { fs, isRunning }: FilePlatform,
  owner: string,
  self: string,
): 'alive' | 'dead' | 'unknown' {
  const [boot, namespace, pid, start] = owner.split('_');
  const [ownBoot, ownNamespace] = self.split('_');
  if ([boot, namespace, start].includes(UNKNOWN) || boot !== ownBoot || namespace !== ownNamespace) return 'unknown';
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
