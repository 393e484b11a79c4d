import { expect, test } from 'vitest';
import { HeartbeatLease } from '../../../src/storage/web/lease/heartbeat-lease.js';
import { StorageQuota } from '../../../src/storage/web/records/quota.js';
import { FakeWebStorage } from '../../support/fakes/fake-web.js';

test('a writer that is adopted again gets a new heartbeat value, as others watch for a change', () => {
  const localStorage = new FakeWebStorage();
  const quota = new StorageQuota(localStorage, 1e6);
  const signs = [1, 2, 3].map(() => {
    const heartbeat = new HeartbeatLease(quota, undefined, { writer: 'dead', by: 'an-adopter' });
    heartbeat.start();
    expect(heartbeat.state()).toBe('own');
    return [...localStorage.items.values()].join();
  });
  expect(signs[1]).not.toBe(signs[0]);
  expect(signs[2]).not.toBe(signs[1]);
});

test('F54 a writer goes on to listen to its page with its next beat, after document.open() has removed all listeners', () => {
  const localStorage = new FakeWebStorage();
  const listeners = new Map<string, () => void>();
  const page = {
    addEventListener: (type: string, listener: () => void): void => void listeners.set(type, listener),
    removeEventListener: (type: string): void => void listeners.delete(type),
  };
  const heartbeat = new HeartbeatLease(new StorageQuota(localStorage, 1e6), page, { writer: 'writer', by: 'writer' });
  heartbeat.start();
  listeners.clear();
  heartbeat.beat();
  listeners.get('pagehide')?.();
  expect([...localStorage.items.values()].join()).toMatch(/^-/);
  heartbeat.stop({ leavesEntries: false });
  expect(listeners.size).toBe(0);
});
