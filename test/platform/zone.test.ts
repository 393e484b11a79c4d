import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Api } from '../../src/index.js';
import { openApi } from '../support/builders/api.js';
import { oneDevice } from '../support/servers/emulator.js';

interface ZoneLike {
  readonly name: string;
  fork(spec: object): ZoneLike;
  run<Result>(run: () => Result): Result;
}

declare const Zone: { readonly current: ZoneLike; readonly root: ZoneLike };

/** The macrotasks that Angular's zone waits for before an application is stable. */
let pending: boolean;
let angular: ZoneLike;
const globals = [
  'Promise',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'queueMicrotask',
];
const before = globals.map((name) => [name, Reflect.get(globalThis, name)] as const);

beforeAll(async () => {
  await import('zone.js');
  return () => {
    for (const [name, value] of before) Reflect.set(globalThis, name, value);
    Reflect.deleteProperty(globalThis, 'Zone');
  };
});
beforeEach(() => {
  pending = false;
  angular = Zone.root.fork({
    name: 'angular',
    onHasTask(
      delegate: { hasTask(zone: unknown, state: unknown): void },
      _current: unknown,
      target: unknown,
      state: { change: string; macroTask: boolean },
    ) {
      delegate.hasTask(target, state);
      if (state.change === 'macroTask') pending = state.macroTask;
    },
  });
});
afterEach(() => void vi.useRealTimers());

const make = (): Api => openApi({ fetch: oneDevice().fetch, autoPush: { everySeconds: 600 } });

test('F51 the timers of an Api do not keep an Angular application from getting stable', async () => {
  const api = angular.run(make);
  angular.run(() => {
    api.addValue('a', 1);
    api.commit();
  });
  expect(api.status().nextTry).toBeDefined();
  await angular.run(() => api.ready);
  expect(pending).toBe(false);
  const watch = angular.run(() => api.watch('a', { everySeconds: 60 }));
  await angular.run(() => api.push());
  await angular.run(() => watch.next());
  void angular.run(() => watch.next());
  await vi.waitFor(() => expect(pending).toBe(false));
  angular.run(() => void setTimeout(() => {}, 10_000));
  expect(pending).toBe(true);
});

test('F51 listeners are called in the zone in which they were added, so that Angular renders after them', async () => {
  const zones: string[] = [];
  const api = make();
  angular.run(() => {
    api.subscribe(() => zones.push(Zone.current.name));
    api.on('commit', () => zones.push(Zone.current.name));
  });
  api.addValue('a', 1);
  api.commit();
  await vi.waitFor(() => expect(zones).toEqual(['angular', 'angular']));
});
