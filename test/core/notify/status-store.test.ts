import { describe, expect, test, vi } from 'vitest';
import type { Status } from '../../../src/core/model/status.js';
import { StatusStore } from '../../../src/core/notify/status-store.js';
import { turn } from '../../support/fakes/fake-clock.js';

function setUp() {
  const now = { staged: 0, lastPush: undefined } as unknown as { staged: number; lastPush: object | undefined };
  const onFailure = vi.fn();
  const store = new StatusStore(() => ({ ...now }) as unknown as Status, onFailure);
  return { now, store, onFailure };
}

describe('StatusStore', () => {
  test('shows one frozen object until a member is another', () => {
    const { now, store } = setUp();
    const first = store.status;
    expect(store.status).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
    now.lastPush = {};
    const second = store.status;
    expect(second).not.toBe(first);
    expect(store.status).toBe(second);
    now.lastPush = {};
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
