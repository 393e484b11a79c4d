import { describe, expect, test, vi } from 'vitest';
import type { LastPush } from '../../../src/core/model/status.js';
import { Emitter } from '../../../src/core/notify/emitter.js';
import { type StatusParts, StatusStore } from '../../../src/core/notify/status-store.js';
import { turn } from '../../support/fakes/fake-clock.js';

function setUp() {
  const now: { staged: number; lastPush: LastPush | undefined } = { staged: 0, lastPush: undefined };
  const onFailure = vi.fn();
  const emitter = new Emitter();
  emitter.connect(onFailure, { 'listener-failed': [(notify, source) => notify(source)] });
  const parts: StatusParts = {
    emitter,
    staging: {
      get size() {
        return now.staged;
      },
    },
    outbox: { length: 0, bytes: 0, quarantine: { size: 0 } },
    warnings: { all: [] },
    server: { isOnline: true },
    uploader: { isPushing: false },
    history: {
      get lastPush() {
        return now.lastPush;
      },
      lastFailure: undefined,
    },
    autoPush: undefined,
    poller: { health: undefined },
  };
  const store = new StatusStore(parts, 'none');
  return { now, store, onFailure };
}

const lastPush = (): LastPush => ({ entries: 1, requests: 1, milliseconds: 1, at: 1 });

describe('StatusStore', () => {
  test('shows one frozen object until a member is another', () => {
    const { now, store } = setUp();
    const first = store.status;
    expect(store.status).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
    now.lastPush = lastPush();
    const second = store.status;
    expect(second).not.toBe(first);
    expect(store.status).toBe(second);
    now.lastPush = lastPush();
    expect(store.status).not.toBe(second);
  });

  test('knows NaN from nothing, and a member that comes or goes', () => {
    const { now, store } = setUp();
    now.staged = Number.NaN;
    const first = store.status;
    expect(store.status).toBe(first);
  });

  test('notifies once a task, in its microtask, and only of changes', async () => {
    const { now, store } = setUp();
    const listener = vi.fn();
    store.subscribe(listener);
    store.invalidate();
    await turn();
    expect(listener).not.toHaveBeenCalled();
    now.staged = 1;
    store.invalidate();
    store.invalidate();
    expect(listener).not.toHaveBeenCalled();
    await Promise.resolve();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('notifies of a change that was read before the listeners were notified', async () => {
    const { now, store } = setUp();
    const listener = vi.fn();
    store.subscribe(listener);
    now.staged = 1;
    store.invalidate();
    void store.status;
    await turn();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('does not notify of changes before the first subscription', async () => {
    const { now, store } = setUp();
    now.staged = 1;
    store.invalidate();
    const listener = vi.fn();
    store.subscribe(listener);
    await turn();
    expect(listener).not.toHaveBeenCalled();
  });

  test('notifies all listeners though one throws, and reports the failure', async () => {
    const { now, store, onFailure } = setUp();
    const listener = vi.fn();
    store.subscribe(() => {
      throw new Error('own');
    });
    store.subscribe(listener);
    now.staged = 1;
    store.invalidate();
    await turn();
    expect(listener).toHaveBeenCalledTimes(1);
    expect(onFailure).toHaveBeenCalledTimes(1);
  });
});
