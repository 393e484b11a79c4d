import { expect, test } from 'vitest';
import { Heartbeat } from '../../src/storage/web-heartbeat.js';
import { WebRoom } from '../../src/storage/web-room.js';
import { FakeWebStorage } from '../support/fake-web.js';

test('whoever takes a writer over again gives another sign than the one that stands there: others watch for a change', () => {
  const localStorage = new FakeWebStorage();
  const room = new WebRoom(localStorage, 1e6);
  const signs = [1, 2, 3].map(() => {
    const heartbeat = new Heartbeat(room, 'dead', 'an-adopter', undefined);
    heartbeat.begin();
    expect(heartbeat.look()).toBe('own');
    return [...localStorage.items.values()].join();
  });
  expect(signs[1]).not.toBe(signs[0]);
  expect(signs[2]).not.toBe(signs[1]);
});
