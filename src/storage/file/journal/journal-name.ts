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
const NAME = /^nikdev-iot-1_(?:free|([^_]+_[^_]+_\d+_[^_]+))_([\da-z]{16})\.journal$/;

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

/** Where a journal's new text stands until it is whole, and takes the journal's place. */
export const rewritingPath = (path: string): string => `${path}.tmp`;
