// Not the global, which is a getter: it takes 4 % of a commit.
import { Buffer } from 'node:buffer';
import { dirname } from 'node:path';
import { isStorageException, StorageException } from '../../../core/model/exceptions.js';
import { textOf } from '../../../core/model/foreign-text.js';
import type { FileSystem } from './file-system.js';

/**
 * Writes all of a text: a disk that is nearly full takes a part, and says so only by the count.
 *
 * @param length - How many bytes of UTF-8 it takes.
 */
export function writeText(fs: FileSystem, fd: number, text: string, length: number): void {
  const written = fs.writeSync(fd, text);
  if (written < length) writeWhole(fs, fd, Buffer.from(text).subarray(written));
}

/** Writes all pieces. @returns How many bytes they take. */
export function writePieces(fs: FileSystem, fd: number, pieces: Iterable<string | Buffer>): number {
  let size = 0;
  for (const piece of pieces) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    writeWhole(fs, fd, bytes);
    size += bytes.length;
  }
  return size;
}

/** @param position - Where in the file; at its end, or the current place, if absent. */
export function writeWhole(fs: FileSystem, fd: number, bytes: Buffer, position?: number): void {
  for (let written = 0; written < bytes.length; ) {
    const at = position === undefined ? null : position + written;
    const count = fs.writeSync(fd, bytes, written, bytes.length - written, at);
    if (count === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
    written += count;
  }
}

export function readWhole(fs: FileSystem, fd: number): Buffer {
  const bytes = Buffer.allocUnsafe(fs.fstatSync(fd).size);
  let read = 0;
  for (let count = -1; count !== 0 && read < bytes.length; read += count) {
    count = fs.readSync(fd, bytes, read, bytes.length - read, read);
  }
  return bytes.subarray(0, read);
}

/** Rights that are missing: the system's, those of Node's permission model, and those of Deno. */
const FORBIDDEN = new Set<unknown>(['EACCES', 'EPERM', 'ERR_ACCESS_DENIED', 'NotCapable', 'PermissionDenied']);
const isForbidden = (error: unknown): boolean => FORBIDDEN.has(codeOf(error));

/**
 * Opens a file of which what is written must outlast a power cut, for {@link sync}. Node's permission model lets no
 * descriptor be synced: there it is one that syncs each write.
 */
export function openSynced(fs: FileSystem, path: string, flags: 'a' | 'a+' | 'r+'): number {
  const fd = fs.openSync(path, flags);
  try {
    fs.fdatasyncSync(fd);
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    if (!isForbidden(error)) throw error;
    return fs.openSync(path, ({ a: 'as', 'a+': 'as+', 'r+': 'rs+' } as const)[flags]);
  }
}

/** Sees to it that what was written outlasts a power cut. @param fd - From {@link openSynced}. */
export function sync(fs: FileSystem, fd: number): void {
  try {
    fs.fdatasyncSync(fd);
  } catch (error) {
    if (!isForbidden(error)) throw error;
  }
}

/** Not every system can sync a folder, or needs it. */
const NO_FOLDER_SYNC = new Set<unknown>(['EINVAL', 'EISDIR', 'ENOTSUP']);

/** Where that is not allowed or not possible, a power cut may undo what the folder lists, and nothing can be done about it. */
export function syncFolder(fs: FileSystem, folder: string): void {
  let fd: number | undefined;
  try {
    fd = fs.openSync(folder, 'r');
    fs.fsyncSync(fd);
  } catch (error) {
    if (!isForbidden(error) && !NO_FOLDER_SYNC.has(codeOf(error))) throw error;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/**
 * Makes a folder that is missing, and sees to it that it outlasts a power cut: also one that another process made, and was
 * killed before it could see to that.
 */
export function makeFolder(fs: FileSystem, folder: string, isSynced: boolean): void {
  const first = makeMissing(fs, folder) ?? folder;
  if (!isSynced) return;
  for (let made = folder; made !== dirname(made); made = dirname(made)) {
    syncFolder(fs, dirname(made));
    if (made === first) return;
  }
}

/** @returns The first folder that was missing. */
function makeMissing(fs: FileSystem, folder: string): string | undefined {
  try {
    return fs.mkdirSync(folder, { recursive: true });
  } catch (error) {
    // Where nothing may be made, a folder that is there serves all the same.
    if ((isForbidden(error) || codeOf(error) === 'EROFS') && isFolder(fs, folder)) return undefined;
    throw error;
  }
}

function isFolder(fs: FileSystem, path: string): boolean {
  try {
    return fs.statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Appends to a file, which is made if it is missing, and sees to it that what was appended outlasts a power cut.
 *
 * @returns How many bytes it appended.
 */
export function appendSynced(fs: FileSystem, path: string, pieces: Iterable<string | Buffer>): number {
  const fd = openSynced(fs, path, 'a');
  try {
    const size = writePieces(fs, fd, pieces);
    sync(fs, fd);
    return size;
  } finally {
    fs.closeSync(fd);
  }
}

/** Deletes a file where that is possible; where it is not, or there is none, that is harmless. */
export function unlinkQuietly(fs: FileSystem, path: string): void {
  try {
    fs.unlinkSync(path);
  } catch {
    // See above.
  }
}

/**
 * The code of a system's error, such as `ENOSPC`, or the name of one of Deno's, which have none: a word, which may be shown;
 * whatever else stands there may hold anything.
 */
export function codeOf(error: unknown): string | undefined {
  const code = textOf(error, 'code') ?? '';
  if (/^[A-Z_]{3,32}$/.test(code)) return code;
  const name = textOf(error, 'name');
  return FORBIDDEN.has(name) ? name : undefined;
}

export const CHECK_DISK = 'Check the folder, its rights and its disk.';

/** Whether an error says that there is no room. */
export const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');

/** What a write that failed means to whoever commits. */
export function storageException(error: unknown, path: string): StorageException {
  if (isStorageException(error)) return error;
  const code = codeOf(error) ?? 'unknown';
  return isFull(error)
    ? new StorageException(
        `the disk is full (${code}, ${path})`,
        'Push, or make room on the disk, then commit again.',
        true,
      )
    : new StorageException(`the file could not be written (${code}, ${path})`, CHECK_DISK);
}
