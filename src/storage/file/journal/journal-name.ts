/*
 * The name of a journal contains its owner, a store of a process:
 *
 *   nikdev-iot-1_<machine>_<process>_<store>_<file>.journal     owned
 *   nikdev-iot-1_free_<file>.journal                             without an owner
 *
 * Names appear in logs and backups, so <machine> is a hash of the boot id and the pid namespace, "-" if these are unknown, and
 * <process> is the pid and its start time, masked for readers without these. <store> and <file> are random. Each storage object
 * is a store. While the owner rewrites a journal, the new file has the same name with the suffix .tmp.
 *
 * File times and clocks prove nothing: devices boot in 1970 and jump. A process of the same boot and pid namespace is looked up in
 * /proc, where the start time reveals a reused pid. The end of any other owner can't be proved (another machine, a restarted
 * container, a system without /proc, another thread of this process): it is presumed dead after three minutes without a heartbeat.
 */
const NAME = /^nikdev-iot-1_(?:free|((?:-|[\da-f]{16})_[\da-f]{24}_[\da-z]{16}))_([\da-z]{16})\.journal$/;

export interface JournalName {
  /** `undefined`: no owner. */
  readonly owner: string | undefined;
  /** The part that stays when the owner changes. */
  readonly file: string;
}

/** @returns `undefined` if the name is not that of a journal. */
export function parseName(name: string): JournalName | undefined {
  const match = NAME.exec(name);
  return match?.[2] === undefined ? undefined : { owner: match[1], file: match[2] };
}

export const journalName = ({ owner = 'free', file }: JournalName): string => `nikdev-iot-1_${owner}_${file}.journal`;

/** Whether a file is of this package. */
export const isOurs = (name: string): boolean => /^nikdev-iot-1[._]/.test(name);

/** The path of the new file of a journal until it is complete. */
export const rewritingPath = (path: string): string => `${path}.tmp`;
