import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Emitter, Listeners } from '../../../src/core/notify/emitter.js';

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

describe('the emitter of a client', () => {
  const warning = (message: string) => ({ code: 'weak-ids', message }) as const;

  test('notifies the parts in their order, then the listeners of the public event', () => {
    const emitter = new Emitter();
    const calls: string[] = [];
    emitter.on('warning', ({ message }) => calls.push(`listener ${message}`));
    emitter.connect(calls, {
      warning: [(all) => all.push('first'), (all, { message }) => all.push(`second ${message}`)],
    });
    emitter.emit('warning', warning('a'));
    expect(calls).toEqual(['first', 'second a', 'listener a']);
  });

  test('calls listeners when the outermost operation is complete, in the order of the events', () => {
    const emitter = new Emitter();
    const calls: string[] = [];
    emitter.on('warning', ({ message }) => calls.push(message));
    emitter.connect(emitter, { staged: [(own) => own.emit('warning', warning('b'))] });
    emitter.operation(() => {
      emitter.emit('warning', warning('a'));
      emitter.operation(() => emitter.emit('staged'));
      calls.push('operation');
    });
    expect(calls).toEqual(['operation', 'a', 'b']);
  });

  test('sends the events of an operation that throws', () => {
    const emitter = new Emitter();
    const calls: string[] = [];
    emitter.on('warning', ({ message }) => calls.push(message));
    const run = () =>
      emitter.operation(() => {
        emitter.emit('warning', warning('a'));
        throw new Error('own');
      });
    expect(run).toThrow('own');
    expect(calls).toEqual(['a']);
  });

  test('sends pending events at once where an operation flushes them', () => {
    const emitter = new Emitter();
    const calls: string[] = [];
    emitter.on('warning', ({ message }) => calls.push(message));
    emitter.operation(() => {
      emitter.emit('warning', warning('a'));
      emitter.flush();
      calls.push('operation');
    });
    expect(calls).toEqual(['a', 'operation']);
  });

  test('finishes an operation of a listener, with its events, before the listener goes on', () => {
    const emitter = new Emitter();
    const calls: string[] = [];
    emitter.on('warning', ({ message }) => {
      calls.push(message);
      if (message === 'a') emitter.operation(() => emitter.emit('warning', warning('b')));
      calls.push(`end of ${message}`);
    });
    emitter.emit('warning', warning('a'));
    expect(calls).toEqual(['a', 'b', 'end of b', 'end of a']);
  });
});
