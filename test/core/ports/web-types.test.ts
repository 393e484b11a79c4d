import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { type AbortSignalLike, CoreAbortSignal, onAbort } from '../../../src/core/ports/web-types.js';

const count = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

const OWN = new CoreAbortSignal();

describe('F57 a signal of many calls', () => {
  test('has one listener, and none once no call listens', () => {
    const { signal } = new AbortController();
    const stops = Array.from({ length: 50 }, () => onAbort(signal, () => {}));
    expect(count(signal)).toBe(1);
    for (const stop of stops.slice(1)) stop();
    expect(count(signal)).toBe(1);
    stops[0]?.();
    stops[0]?.();
    expect(count(signal)).toBe(0);
    onAbort(signal, () => {});
    expect(count(signal)).toBe(1);
  });

  test.each<[string, { signal: AbortSignalLike; abort(): void }]>([
    ["the platform's", new AbortController()],
    ['our own', { signal: OWN, abort: () => OWN.abort() }],
  ])('calls each of them as it aborts, also the same function twice: %s', (_kind, controller) => {
    const calls: string[] = [];
    const first = (): void => void calls.push('first');
    const stopFirst = onAbort(controller.signal, first);
    onAbort(controller.signal, first);
    const stopSecond = onAbort(controller.signal, () => calls.push('second'));
    onAbort(controller.signal, () => {
      calls.push('third');
      stopSecond();
    });
    stopFirst();
    controller.abort();
    expect(calls).toEqual(['first', 'second', 'third']);
  });

  test('calls nobody who has stopped listening', () => {
    const controller = new AbortController();
    onAbort(controller.signal, () => expect.unreachable())();
    controller.abort();
  });
});
