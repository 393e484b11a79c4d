import { isStorageException, StorageException } from '../../core/model/exceptions.js';
import { textOf } from '../../core/model/foreign-text.js';

const QUOTA = 'QuotaExceededError';

/** The name of a browser's error: a word that is safe to show. */
export function nameOf(error: unknown): string {
  const name = textOf(error, 'name') ?? '';
  return /^[A-Za-z]{3,64}$/.test(name) ? name : 'unknown';
}

/** Thrown where a write reports that no byte was written. */
export const nothingWritten = (): Error => Object.assign(new Error('nothing was written'), { name: QUOTA });

/** Converts the error of a failed write. */
export function storageException(error: unknown, path: string): StorageException {
  if (isStorageException(error)) return error;
  const name = nameOf(error);
  return name === QUOTA
    ? new StorageException(`the quota of this site is exceeded (${path})`, {
        advice: 'Push, or remove other data of this site, then commit again.',
        isFull: true,
        cause: error,
      })
    : new StorageException(`the browser's file could not be written (${name}, ${path})`, {
        advice: 'The browser may have deleted or blocked the data of this site. Push, then reload the page.',
        cause: error,
      });
}
