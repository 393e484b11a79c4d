// Not the global, which is a getter: it takes 4 % of a commit.
import { Buffer } from 'node:buffer';
import { isStorageException, StorageException } from '../../../core/model/exceptions.js';
import { codeWord, textOf } from '../../../core/model/foreign-text.js';

/** The calls of `node:fs` that take a descriptor. */
export interface DescriptorIo {
  closeSync(fd: number): void;
  fdatasyncSync(fd: number): void;
  fstatSync(fd: number): { readonly dev: number; readonly ino: number; readonly size: number };
  ftruncateSync(fd: number, length: number): void;
  readSync(fd: number, target: Buffer, offset: number, length: number, position: number): number;
  writeSync(fd: number, text: string): number;
  writeSync(fd: number, bytes: Buffer, offset: number, length: number, position: number | null): number;
}

/** Tells a file from all others as long as it exists. */
export const identityOf = ({ dev, ino }: { readonly dev: number; readonly ino: number }): string => `${dev} ${ino}`;

/**
 * Writes all of a text: a disk that is nearly full takes a part, and says so only by the count.
 *
 * @param length - How many bytes of UTF-8 it takes.
 */
export function writeText(io: DescriptorIo, fd: number, text: string, length: number): void {
  const written = io.writeSync(fd, text);
  if (written < length) writeWhole(io, fd, Buffer.from(text).subarray(written));
}

/** Writes all pieces. @returns How many bytes they take. */
export function writePieces(io: DescriptorIo, fd: number, pieces: Iterable<string | Buffer>): number {
  let size = 0;
  for (const piece of pieces) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    writeWhole(io, fd, bytes);
    size += bytes.length;
  }
  return size;
}

/** @param position - Where in the file; at its end, or the current place, if absent. */
export function writeWhole(io: DescriptorIo, fd: number, bytes: Buffer, position?: number): void {
  for (let written = 0; written < bytes.length; ) {
    const at = position === undefined ? null : position + written;
    const count = io.writeSync(fd, bytes, written, bytes.length - written, at);
    if (count === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
    written += count;
  }
}

export function readWhole(io: DescriptorIo, fd: number): Buffer {
  const bytes = Buffer.allocUnsafe(io.fstatSync(fd).size);
  let read = 0;
  for (let count = -1; count !== 0 && read < bytes.length; read += count) {
    count = io.readSync(fd, bytes, read, bytes.length - read, read);
  }
  return bytes.subarray(0, read);
}

/** Rights that are missing: the system's, those of Node's permission model, and those of Deno. */
const FORBIDDEN = new Set<unknown>(['EACCES', 'EPERM', 'ERR_ACCESS_DENIED', 'NotCapable', 'PermissionDenied']);
export const isForbidden = (error: unknown): boolean => FORBIDDEN.has(codeOf(error));

/** Sees to it that what was written outlasts a power cut. @param fd - From {@link SafeFiles.openSynced}. */
export function sync(io: DescriptorIo, fd: number): void {
  try {
    io.fdatasyncSync(fd);
  } catch (error) {
    if (!isForbidden(error)) throw error;
  }
}

/**
 * The code of a system's error, such as `ENOSPC`, or the name of one of Deno's, which have none: a word, which may be shown;
 * whatever else stands there may hold anything.
 */
export function codeOf(error: unknown): string | undefined {
  const code = codeWord(error);
  if (code !== undefined) return code;
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
    ? new StorageException(`the disk is full (${code}, ${path})`, {
        advice: 'Push, or make room on the disk, then commit again.',
        isFull: true,
      })
    : new StorageException(`the file could not be written (${code}, ${path})`, { advice: CHECK_DISK });
}
