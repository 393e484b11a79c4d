import { describe, expect, test } from 'vitest';
import { Api, type ApiOptions } from '../../src/index.js';
import { credentials } from '../support/credentials.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeServer, received } from '../support/fake-server.js';

function setUp(options: Partial<ApiOptions> = {}) {
  const clock = new FakeClock();
  const server = new FakeServer();
  const api = new Api({ ...credentials, ...options }, { clock, transport: server });
  return { clock, server, api };
}

describe('events', () => {
  test('`commit` carries the entry that commit() returns', () => {
    const { api } = setUp();
    const seen: unknown[] = [];
    api.on('commit', (entry) => seen.push(entry));
    api.addValue('a', 1);
    expect([api.commit()]).toEqual(seen);
  });

  test('`push` tells how many entries were stored, in how many requests and milliseconds', async () => {
    const { api, clock, server } = setUp({ maxEntriesPerRequest: 2 });
    const seen: unknown[] = [];
    api.on('push', (event) => seen.push(event));
    server.answerWith(async () => {
      await clock.advance(40);
      return received(200);
    });
    for (let value = 0; value < 3; value++) {
      api.addValue('a', value);
      api.commit();
    }
    await api.push();
    expect(seen).toEqual([{ entries: 3, requests: 2, milliseconds: 80 }]);
  });

  test('`push` tells what was stored before a push failed, and is not sent where nothing was', async () => {
    const { api, server } = setUp({ maxEntriesPerRequest: 1 });
    const seen: unknown[] = [];
    api.on('push', ({ entries, requests }) => seen.push({ entries, requests }));
    await api.push();
    for (const value of [1, 2]) {
      api.addValue('a', value);
      api.commit();
    }
    server.answerWith(() => received(server.requests.length === 1 ? 200 : 503));
    await expect(api.push()).rejects.toMatchObject({ status: 503 });
    await expect(api.push()).rejects.toMatchObject({ status: 503 });
    expect(seen).toEqual([{ entries: 1, requests: 2 }]);
  });

  test('a listener that throws harms nothing, and a warning names the event', () => {
    const { api } = setUp();
    const seen: unknown[] = [];
    api.on('commit', () => {
      throw new Error('the listener’s own');
    });
    api.on('commit', (entry) => seen.push(entry));
    api.addValue('a', 1);
    expect(api.commit()).toBeDefined();
    expect(seen).toHaveLength(1);
    expect(api.status()).toMatchObject({ committed: 1, warnings: [{ code: 'listener-failed' }] });
  });

  test('a listener of `warning` that throws does not call itself again', () => {
    const { api } = setUp();
    let calls = 0;
    api.on('warning', () => {
      calls += 1;
      throw new Error('again');
    });
    api.on('commit', () => {
      throw new Error('first');
    });
    api.addValue('a', 1);
    api.commit();
    expect(calls).toBe(2);
    expect(api.status().warnings).toHaveLength(2);
  });

  test('a listener can commit and push', async () => {
    const { api, server } = setUp();
    let left = 3;
    api.on('commit', () => {
      left -= 1;
      if (left === 0) return;
      api.addValue('again', left);
      api.commit();
    });
    api.addValue('a', 1);
    api.commit();
    await api.push();
    expect(server.uploads).toEqual([[[{ a: 1 }], [{ again: 2 }], [{ again: 1 }]]]);
  });

  test('the undo of `on` takes away that listening alone', () => {
    const { api } = setUp();
    let calls = 0;
    const listener = (): void => {
      calls += 1;
    };
    const undo = api.on('commit', listener);
    api.on('commit', listener);
    undo();
    undo();
    api.addValue('a', 1);
    api.commit();
    expect(calls).toBe(1);
  });

  test.each(['psuh', '__proto__', 'toString', undefined, 5])('an unknown event (%s) is refused by name', (name) => {
    const { api } = setUp();
    expect(() => api.on(name as 'push', () => {})).toThrow(
      /is not an event; the events are commit, push, retry, discard, quarantine, drop, adopt, warning, error$/,
    );
    expect(() => api.on('push', undefined as never)).toThrow(/listener must be a function, got undefined/);
  });

  test('a warning of the constructor is sent in a later task and kept in status()', async () => {
    const { api, clock } = setUp({ baseUrl: 'http://192.168.1.5/api/v1' });
    const seen: unknown[] = [];
    api.on('warning', (warning) => seen.push(warning));
    expect(seen).toEqual([]);
    await clock.advance(0);
    expect(seen).toMatchObject([{ code: 'insecure-url' }]);
    expect(api.status().warnings).toEqual(seen);
  });
});
