import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Listeners } from '../../../src/core/notify/emitter.js';

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);

beforeEach(() => void process.on('unhandledRejection', note));
afterEach(() => {
  process.off('unhandledRejection', note);
  unhandled.length = 0;
});

/** An object with a `then`: not a Promise, as those of zone.js and Bluebird are not. */
const thenable = (then: PropertyDescriptor): object => Object.defineProperty({}, 'then', then);
const rejectLater = (_: unknown, onRejected: (reason: unknown) => void): void =>
  queueMicrotask(() => onRejected(new Error('rejected')));
const fail = (): unknown => JSON.parse('{');

test.each<[string, () => unknown]>([
  ['throws', fail],
  ['is async and throws', async () => fail()],
  ['rejects with a promise of another realm', runInNewContext('async () => { throw new Error("rejected") }')],
  ["rejects with another library's promise", () => thenable({ value: rejectLater })],
  ['returns a thenable that throws', () => thenable({ value: fail })],
  ['returns an object that throws when its then is looked at', () => thenable({ get: fail })],
])('F51 a listener that %s is reported, and the next one is called', async (_kind, listener) => {
  const listeners = new Listeners();
  let [failures, calls] = [0, 0];
  listeners.add(listener);
  listeners.add(() => void calls++);
  listeners.emit(undefined, () => void failures++);
  await new Promise((resolve) => setImmediate(resolve));
  expect({ failures, calls, unhandled }).toEqual({ failures: 1, calls: 1, unhandled: [] });
});

test.each([undefined, null, 5, 'text', {}, thenable({ value: 5 })])(
  'a listener that returns %o is not reported',
  (result) => {
    const listeners = new Listeners();
    listeners.add(() => result);
    listeners.emit(undefined, () => expect.unreachable());
  },
);
