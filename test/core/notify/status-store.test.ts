import { describe, expect, test, vi } from 'vitest';
import type { Status } from '../../../src/core/model/status.js';
import { StatusStore } from '../../../src/core/notify/status-store.js';
import { turn } from '../../support/fakes/fake-clock.js';

function setUp() {
  const now = { staged: 0, lastPush: undefined } as unknown as { staged: number; lastPush: object | undefined };
  const onFailure = vi.fn();
  const board = new StatusStore(() => ({ ...now }) as unknown as Status, onFailure);
  return { now, board, onFailure };
}

describe('the board', () => {
  test('shows one frozen object until a member is another', () => {
    const { now, board } = setUp();
    const first = board.status;
    expect(board.status).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
    now.lastPush = {};
    const second = board.status;
    expect(second).not.toBe(first);
    expect(board.status).toBe(second);
    now.lastPush = {};
    expect(board.status).not.toBe(second);
  });

  test('knows NaN from nothing, and a member that comes or goes', () => {
    const { now, board } = setUp();
    now.staged = Number.NaN;
    const first = board.status;
    expect(board.status).toBe(first);
  });

  test('tells once a task, in its microtask, and only of changes', async () => {
    const { now, board } = setUp();
    const listener = vi.fn();
    board.subscribe(listener);
    board.invalidate();
    await turn();
    expect(listener).not.toHaveBeenCalled();
    now.staged = 1;
    board.invalidate();
    board.invalidate();
    expect(listener).not.toHaveBeenCalled();
    await Promise.resolve();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('tells of a change that somebody has looked at before the listeners were told', async () => {
    const { now, board } = setUp();
    const listener = vi.fn();
    board.subscribe(listener);
    now.staged = 1;
    board.invalidate();
    void board.status;
    await turn();
    expect(listener).toHaveBeenCalledTimes(1);
  });

  test('tells nothing of what was before the first listener came', async () => {
    const { now, board } = setUp();
    now.staged = 1;
    board.invalidate();
    const listener = vi.fn();
    board.subscribe(listener);
    await turn();
    expect(listener).not.toHaveBeenCalled();
  });

  test('tells all listeners though one throws, and tells of that', async () => {
    const { now, board, onFailure } = setUp();
    const listener = vi.fn();
    board.subscribe(() => {
      throw new Error('own');
    });
    board.subscribe(listener);
    now.staged = 1;
    board.invalidate();
    await turn();
    expect(listener).toHaveBeenCalledTimes(1);
    expect(onFailure).toHaveBeenCalledTimes(1);
  });
});
