import * as nodeFs from 'node:fs';
import { quietly } from '../../shared/quietly.js';
import { codeOf } from './file-io.js';

/** The members of `node:fs` in use: a test can replace the disk. */
export type FileSystem = Pick<
  typeof nodeFs,
  | 'closeSync'
  | 'fchmodSync'
  | 'fdatasyncSync'
  | 'fstatSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'futimesSync'
  | 'lstatSync'
  | 'lutimesSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readdirSync'
  | 'readFileSync'
  | 'readlinkSync'
  | 'readSync'
  | 'renameSync'
  | 'statSync'
  | 'unlinkSync'
  | 'writeSync'
>;

export type FileStats = Pick<nodeFs.Stats, 'dev' | 'ino' | 'mode' | 'nlink' | 'uid' | 'isFile' | 'isSymbolicLink'>;

/** Port: the file system, and the processes that own files in it. */
export interface FilePlatform {
  readonly fs: FileSystem;
  /** The id of this process. */
  readonly pid: number;
  /** The user of this process; absent on systems without users, and where the lookup is not allowed. */
  readonly uid?: number | undefined;
  /** Whether a process with this id exists, of any user. */
  isRunning(pid: number): boolean;
  /** The ids of the stores that are open in this thread; absent: the set that all stores of the thread share. */
  readonly openStores?: Set<string>;
}

/** The platform that this process runs on. */
export const systemPlatform = (): FilePlatform => ({
  fs: nodeFs,
  pid: process.pid,
  // Deno throws without a permission for this call.
  uid: quietly(() => process.geteuid?.()),
  isRunning,
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** The flags of `open`; Windows lacks the first four. */
export const FLAGS = Object.assign({ O_DIRECTORY: 0, O_NOFOLLOW: 0, O_NONBLOCK: 0, O_SYNC: 0 }, nodeFs.constants);

/** The permission bits of a file mode. */
export const PERMISSIONS = 0o777;
/** The file mode with access for this user only. */
export const OWN_FILE = 0o600;

/** The write permissions in a mode that other users have and `allowed` does not include; 0 on systems without permissions. */
export const foreignWrites = (mode: number, allowed: number): number =>
  FLAGS.O_NOFOLLOW === 0 ? 0 : mode & 0o022 & ~allowed;
