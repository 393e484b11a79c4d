import type * as nodeFs from 'node:fs';

/** The members of `node:fs` that are used, so that a test can stand in for a disk. */
export type FileSystem = Pick<
  typeof nodeFs,
  | 'closeSync'
  | 'fdatasyncSync'
  | 'fstatSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readdirSync'
  | 'readFileSync'
  | 'readlinkSync'
  | 'readSync'
  | 'renameSync'
  | 'statSync'
  | 'unlinkSync'
  | 'utimesSync'
  | 'writeSync'
>;

/** The file system, and the processes that own files in it. */
export interface FilePlatform {
  readonly fs: FileSystem;
  /** This process's number. */
  readonly pid: number;
  /** Whether there is a process of this number, whoever's it is. */
  isRunning(pid: number): boolean;
  /** The ids of the stores that are open in this thread. Absent: all of them register in one set of the thread. */
  readonly openStores?: Set<string>;
}
