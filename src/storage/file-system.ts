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

/** A file system, and the number under which its owners of files know this process. */
export interface FilePlatform {
  readonly fs: FileSystem;
  readonly pid: number;
}
