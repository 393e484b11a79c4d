import { expect } from 'vitest';
import { GetException, PushException, StorageException } from '../../../src/index.js';

/** The reason with which a promise rejects. @throws Error if it resolves. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (result) => {
      throw new Error(`it did not reject but resolved with ${JSON.stringify(result)}`);
    },
    (error: unknown) => error,
  );
}

/** The exception that a push rejects with. */
export async function pushFailure(push: Promise<unknown>): Promise<PushException> {
  const exception = await rejectionOf(push);
  expect(exception).toBeInstanceOf(PushException);
  return exception as PushException;
}

/** The exception that a `get` rejects with. */
export async function getFailure(get: Promise<unknown>): Promise<GetException> {
  const exception = await rejectionOf(get);
  expect(exception).toBeInstanceOf(GetException);
  return exception as GetException;
}

/** The exception with which nothing is saved. @throws Error if it is saved; any other error as it is. */
export function storageExceptionOf(save: () => unknown): StorageException {
  try {
    save();
  } catch (error) {
    if (error instanceof StorageException) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Expects a transient failure: a message and advice, and no entry lost. */
export function expectBadLuck(exception: PushException): void {
  expect(exception.message).toMatch(/^Bad luck: \S/);
  expect(exception).toMatchObject({ name: 'PushException', retainedData: true, discarded: [], quarantined: [] });
  expect(exception.advice).not.toBe('');
}
