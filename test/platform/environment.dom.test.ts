import { afterEach, describe, expect, test, vi } from 'vitest';
import type { LifecycleEvent } from '../../src/core/ports/environment.js';
import { Api, memoryStorage } from '../../src/index.js';
import { environment } from '../../src/platform/environment.js';
import { credentials } from '../support/builders/credentials.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeServer } from '../support/fakes/fake-server.js';

const undos: (() => void)[] = [];

afterEach(() => {
  for (const undo of undos.splice(0)) undo();
  vi.restoreAllMocks();
});

/** The lifecycle events emitted until the test ends. */
function watch(): { events: LifecycleEvent[]; stop(): void } {
  const events: LifecycleEvent[] = [];
  const stop = environment.subscribe((event) => events.push(event));
  undos.push(stop);
  return { events, stop };
}

function show(isHidden: boolean): void {
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(isHidden);
  document.dispatchEvent(new Event('visibilitychange'));
}

describe('the environment of a page', () => {
  test.each<[string, () => unknown, LifecycleEvent]>([
    ['the network comes', () => window.dispatchEvent(new Event('online')), 'online'],
    ['the network goes', () => window.dispatchEvent(new Event('offline')), 'offline'],
    ['it is hidden', () => show(true), 'hidden'],
    ['it is shown', () => show(false), 'visible'],
    [
      'it comes back from the back/forward cache',
      () => window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true })),
      'visible',
    ],
  ])('emits at once when %s', (_when, happen, event) => {
    const { events } = watch();
    happen();
    expect(events).toEqual([event]);
  });

  test('emits at once when it is left, and once more, as a browser may cut the first off', () => {
    const { events } = watch();
    window.dispatchEvent(new Event('pagehide'));
    expect(events).toEqual(['pagehide', 'pagehide']);
  });

  test('emits nothing for a page that is shown as it is loaded', () => {
    const { events } = watch();
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }));
    expect(events).toEqual([]);
  });

  test('know whether the platform believes in a network, and whether the page can be seen', () => {
    for (const isOnline of [true, false]) {
      vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(isOnline);
      expect(environment.isOnline).toBe(isOnline);
    }
    vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(undefined as never);
    expect(environment.isOnline).toBe(true);
    for (const isHidden of [true, false]) {
      vi.spyOn(document, 'hidden', 'get').mockReturnValue(isHidden);
      expect(environment.isHidden).toBe(isHidden);
    }
  });

  test('listens once for any number of subscribers, notifies each, and not at all for none', () => {
    const targets = [window, document].map((target) => ({
      added: vi.spyOn(target, 'addEventListener'),
      removed: vi.spyOn(target, 'removeEventListener'),
    }));
    const count = (of: 'added' | 'removed'): number =>
      targets.reduce((sum, spies) => sum + spies[of].mock.calls.length, 0);
    const watchers = Array.from({ length: 20 }, watch);
    const { length } = watchers;
    expect(count('added')).toBe(6);
    window.dispatchEvent(new Event('online'));
    expect(watchers.flatMap(({ events }) => events)).toHaveLength(length);
    for (const { stop } of watchers) stop();
    for (const { stop } of watchers) stop();
    expect(count('removed')).toBe(6);
    window.dispatchEvent(new Event('online'));
    expect(watchers.flatMap(({ events }) => events)).toHaveLength(length);
    const again = watch();
    window.dispatchEvent(new Event('offline'));
    expect(again.events).toEqual(['offline']);
  });

  test('notifies a function twice that subscribes twice, and each undo ends its own subscription', () => {
    const tell = vi.fn();
    const one = environment.subscribe(tell);
    const other = environment.subscribe(tell);
    window.dispatchEvent(new Event('online'));
    expect(tell).toHaveBeenCalledTimes(2);
    one();
    window.dispatchEvent(new Event('online'));
    expect(tell).toHaveBeenCalledTimes(3);
    other();
  });

  test('allows a subscriber to unsubscribe while it is notified', () => {
    const notified: string[] = [];
    const undo = environment.subscribe(() => {
      notified.push('one');
      undo();
    });
    undos.push(environment.subscribe(() => notified.push('other')));
    window.dispatchEvent(new Event('online'));
    window.dispatchEvent(new Event('online'));
    expect(notified).toEqual(['one', 'other', 'other']);
  });

  test('leave 60 KiB to requests that outlive the page', () => {
    expect(environment.keepalive.bytesLeft).toBe(61_440);
  });
});

describe('an Api in a page', () => {
  test('sends entries that are only in memory when the page is hidden, and listens no more after close()', async () => {
    const server = new FakeServer();
    const api = new Api({ ...credentials, storage: memoryStorage() }, { clock: new FakeClock(), transport: server });
    api.addValue('a', 1);
    api.commit();
    show(true);
    expect(server.requests).toMatchObject([{ keepalive: true }]);
    await api.close();
    const removed = vi.spyOn(window, 'addEventListener');
    window.dispatchEvent(new Event('pagehide'));
    expect(server.requests).toHaveLength(1);
    expect(removed).not.toHaveBeenCalled();
  });

  test('shows in its status that the network went', () => {
    const api = new Api(credentials, { clock: new FakeClock(), transport: new FakeServer() });
    vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
    window.dispatchEvent(new Event('offline'));
    expect(api.status().online).toBe(false);
    void api.close();
  });
});
