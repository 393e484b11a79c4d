// The import of Buffer costs less than the global, which is a getter: 4 % of a commit.
import { Buffer } from 'node:buffer';
import { isStorageException, StorageException } from '../../../core/model/exceptions.js';
import { codeWord, textOf } from '../../../core/model/foreign-text.js';
import { CLOSE_FILES, DISK_FULL, freeSpace, TOO_MANY_FILES } from '../../../core/model/system-codes.js';

/** The calls of `node:fs` that take a descriptor. */
export interface DescriptorIo {
  closeSync(fd: number): void;
  fdatasyncSync(fd: number): void;
  fstatSync(fd: number): { readonly dev: number; readonly ino: number; readonly size: number };
  ftruncateSync(fd: number, length: number): void;
  readSync(fd: number, target: Uint8Array, offset: number, length: number, position: number): number;
  writeSync(fd: number, text: string): number;
  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number | null): number;
}

/** Identifies a file among all existing files. */
export const identityOf = ({ dev, ino }: { readonly dev: number; readonly ino: number }): string => `${dev} ${ino}`;

/**
 * Writes a whole text: a disk that is nearly full accepts a part, and reports so only by the count.
 *
 * @param length - The length of the text in bytes of UTF-8.
 */
export function writeText(io: DescriptorIo, fd: number, text: string, length: number): void {
  const written = io.writeSync(fd, text);
  if (written < length) writeWhole(io, fd, Buffer.from(text).subarray(written));
}

/** @returns The number of bytes written. */
export function writePieces(io: DescriptorIo, fd: number, pieces: Iterable<string | Uint8Array>): number {
  let size = 0;
  for (const piece of pieces) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    writeWhole(io, fd, bytes);
    size += bytes.length;
  }
  return size;
}

/** Writes pieces, syncs the file and closes the descriptor. @returns The number of bytes written. */
export const writeAndClose = (io: DescriptorIo, fd: number, pieces: Iterable<string | Uint8Array>): number =>
  useAndClose(io, fd, () => {
    const size = writePieces(io, fd, pieces);
    sync(io, fd);
    return size;
  });

/** Closes the descriptor even if its use fails. */
export function useAndClose<Result>(
  io: Pick<DescriptorIo, 'closeSync'>,
  fd: number,
  use: (fd: number) => Result,
): Result {
  try {
    return use(fd);
  } finally {
    io.closeSync(fd);
  }
}

/** @param position - Absent: the end of a file opened to append, else the current position. */
export function writeWhole(io: DescriptorIo, fd: number, bytes: Uint8Array, position?: number): void {
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

/** Codes for a missing permission: the system's, those of Node's permission model, and those of Deno. */
const FORBIDDEN = new Set<unknown>(['EACCES', 'EPERM', 'ERR_ACCESS_DENIED', 'NotCapable', 'PermissionDenied']);
export const isForbidden = (error: unknown): boolean => FORBIDDEN.has(codeOf(error));

/** Makes the written data survive a power cut. @param fd - A descriptor that {@link SafeFiles} opened as synced. */
export function sync(io: DescriptorIo, fd: number): void {
  try {
    io.fdatasyncSync(fd);
  } catch (error) {
    if (!isForbidden(error)) throw error;
  }
}

/** The code of a system error, such as `ENOSPC`, or the name of one of Deno's permission errors, which have no code: a word that is safe to show. */
export function codeOf(error: unknown): string | undefined {
  const code = codeWord(error);
  if (code !== undefined) return code;
  const name = textOf(error, 'name');
  return FORBIDDEN.has(name) ? name : undefined;
}

export const CHECK_DISK = 'Check the folder, its permissions and its disk.';

/** Whether an error reports a full disk, or a file that may not grow. */
export const isFull = (error: unknown): boolean => DISK_FULL.test(codeOf(error) ?? '');

/** Converts the error of a failed write. */
export function storageException(error: unknown, path: string): StorageException {
  if (isStorageException(error)) return error;
  const code = codeOf(error) ?? 'unknown';
  const flag = /--allow-\w+/.exec(textOf(error, 'message') ?? '')?.[0];
  return isFull(error)
    ? new StorageException(`the disk is full (${code}, ${path})`, {
        advice: `Push, or ${freeSpace(code)}, then commit again.`,
        isFull: true,
        cause: error,
      })
    : new StorageException(`the file could not be written (${code}, ${path})`, {
        advice: flag ? `This Deno process lacks a permission: run it with ${flag}=<folder>.` : checkAdvice(code),
        cause: error,
      });
}

const checkAdvice = (code: string): string => (TOO_MANY_FILES.test(code) ? CLOSE_FILES : CHECK_DISK);
