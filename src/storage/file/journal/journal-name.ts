/*
 * A journal is owned by the store in its name, and that by a process:
 *
 *   nikdev-iot-1_<machine>_<process>_<store>_<file>.journal     owned
 *   nikdev-iot-1_free_<file>.journal                             owned by nobody
 *
 * Names get into logs and backups: <machine> is a hash, of the boot id and the pid namespace, "-" where these are unknown;
 * <process> is the pid and its start time, which only processes with the same boot id and pid namespace can read.
 * <store> and <file> are random. A process has as many stores as it makes storage objects, in all of its threads and
 * copies of this package. While its owner rewrites a journal, the new text stands beside it, under its name with .tmp behind.
 *
 * Times of files and clocks say nothing here: devices boot in 1970 and jump. A process of the same boot and the same
 * namespace of pids is looked up in /proc, its start time telling a reused pid apart. Of any other (another machine, a
 * restarted container, a system without /proc), and of another store of the same process, which may be a thread that has
 * ended, nothing can be proved: those are dead after three minutes without a heartbeat.
 */
const NAME = /^nikdev-iot-1_(?:free|((?:-|[\da-f]{16})_[\da-f]{24}_[\da-z]{16}))_([\da-z]{16})\.journal$/;

/** The owner in a journal's name, and the part that stays when the owner changes. */
interface JournalName {
  /** `undefined`: nobody. */
  readonly owner: string | undefined;
  readonly file: string;
}

/** @returns `undefined` if that is no name of a journal. */
export function parseName(name: string): JournalName | undefined {
  const match = NAME.exec(name);
  return match?.[2] === undefined ? undefined : { owner: match[1], file: match[2] };
}

export function journalName(owner: string | undefined, file: string): string {
  return `nikdev-iot-1_${owner ?? 'free'}_${file}.journal`;
}

/** Whether a file is of this package, of whichever kind. */
export const isOurs = (name: string): boolean => /^nikdev-iot-1[._]/.test(name);

/** Where a journal's new text stands until it is whole, and takes the journal's place. */
export const rewritingPath = (path: string): string => `${path}.tmp`;
