import { expect, onTestFinished } from 'vitest';
import type { Ports } from '../../src/api.js';
import { Api, type ApiOptions, type Entry, GetException, PushException } from '../../src/index.js';
import { credentials } from './credentials.js';

/** An `Api` that is closed when the test ends. */
export function openApi(options: Partial<ApiOptions> = {}, ports: Partial<Ports> = {}): Api {
  const api = new Api({ ...credentials, ...options }, ports);
  onTestFinished(() => api.close());
  return api;
}

/** Commits each number as an entry of its own. */
export function commitEach(api: Api, ...numbers: number[]): Entry[] {
  return numbers.map((number) => {
    api.addValue('temperature', number);
    const entry = api.commit();
    if (entry === undefined) throw new Error('nothing was committed');
    return entry;
  });
}

/** What a promise rejects with. */
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

/** Bad luck: says what happened, loses nothing. */
export function expectBadLuck(exception: PushException): void {
  expect(exception.message).toMatch(/^Bad luck: \S/);
  expect(exception).toMatchObject({ name: 'PushException', retainedData: true, discarded: [], quarantined: [] });
  expect(exception.advice).not.toBe('');
}
