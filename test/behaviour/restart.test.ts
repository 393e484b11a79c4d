import { describe, expect, test } from 'vitest';
import { Api, type ApiOptions, memoryStorage, webStorage } from '../../src/index.js';
import { credentials } from '../support/builders/credentials.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeServer, received } from '../support/fakes/fake-server.js';
import { FakeLocks, FakeWebStorage } from '../support/fakes/fake-web.js';

/** An origin whose tabs run an `Api` each. */
function makeOrigin() {
  const clock = new FakeClock();
  const localStorage = new FakeWebStorage();
  const locks = new FakeLocks();
  const server = new FakeServer();
  const tabs = new Map<Api, () => void>();
  return {
    clock,
    server,
    localStorage,
    open(options: Partial<ApiOptions> = {}): Api {
      const tab = locks.tab();
      const api = new Api(
        { ...credentials, storage: webStorage(localStorage, {}, { locks: tab }), ...options },
        { clock, transport: server },
      );
      tabs.set(api, () => tab.end());
      return api;
    },
    crash: (api: Api): void => tabs.get(api)?.(),
  };
}

describe('after a restart', () => {
  test('committed entries are there, with their times and ids, and are pushed', async () => {
    const origin = makeOrigin();
    const first = origin.open();
    first.addValue('a', 1);
    const one = first.commit();
    first.addValue('a', 2);
    const two = first.commit({ timestamp: 1_700_000_000 });
    origin.crash(first);

    const second = origin.open();
    await origin.clock.advance(5000);
    await second.ready;
    expect(second.log()).toEqual([one, two]);
    expect(await second.push()).toEqual({ pushed: 2, requests: 1, expired: 0 });
    expect(origin.server.uploads).toEqual([[[{ a: 1 }], [{ a: 2 }]]]);
    expect(second.status()).toMatchObject({ committed: 0, bytes: 0 });
  });

  test('entries of earlier runs are sent before those of this run', async () => {
    const origin = makeOrigin();
    const first = origin.open();
    first.addValue('a', 1);
    first.commit();
    origin.crash(first);
    const second = origin.open();
    second.addValue('a', 2);
    second.commit();
    await origin.clock.advance(5000);
    await second.push();
    expect(origin.server.uploads).toEqual([[[{ a: 1 }], [{ a: 2 }]]]);
  });

  test('entries that the server has stored are not sent again', async () => {
    const origin = makeOrigin();
    const first = origin.open();
    first.addValue('a', 1);
    await first.commitAndPush();
    origin.crash(first);
    const second = origin.open();
    await origin.clock.advance(5000);
    expect(second.status().committed).toBe(0);
  });

  test('staged values are staged again, in their order, and not a second time', async () => {
    const origin = makeOrigin();
    const first = origin.open();
    first.addValue('b', 1);
    first.addValue('10', 'x');
    await origin.clock.advance(0);
    origin.crash(first);
    const second = origin.open();
    await origin.clock.advance(5000);
    expect(second.status().staged).toBe(2);
    expect(second.commit()?.values).toEqual([
      { fieldId: 'b', value: 1 },
      { fieldId: '10', value: 'x' },
    ]);
    origin.crash(second);
    const third = origin.open();
    await origin.clock.advance(5000);
    expect(third.status()).toMatchObject({ staged: 0, committed: 1 });
  });

  test('staged values do not come back into a run that has staged some already', async () => {
    const origin = makeOrigin();
    const first = origin.open();
    first.addValue('a', 1);
    await origin.clock.advance(0);
    origin.crash(first);
    const second = origin.open();
    second.addValue('b', 2);
    await origin.clock.advance(5000);
    expect(second.commit()?.values).toEqual([{ fieldId: 'b', value: 2 }]);
  });

  test('staged values that were reset do not come back', async () => {
    const origin = makeOrigin();
    const first = origin.open();
    first.addValue('a', 1);
    await origin.clock.advance(0);
    first.reset();
    await origin.clock.advance(0);
    origin.crash(first);
    const second = origin.open();
    await origin.clock.advance(5000);
    expect(second.status().staged).toBe(0);
  });

  test('stageUncommittedValues: false saves no staged values', async () => {
    const origin = makeOrigin();
    const first = origin.open({ stageUncommittedValues: false });
    first.addValue('a', 1);
    await origin.clock.advance(0);
    expect(origin.localStorage.length).toBe(0);
    await first.close();
    expect(origin.localStorage.length).toBe(0);
  });

  test('stageUnpushedEntries: false saves no entries, says so, and still pushes them', async () => {
    const origin = makeOrigin();
    const api = origin.open({ stageUnpushedEntries: false });
    api.addValue('a', 1);
    api.commit();
    expect(origin.localStorage.length).toBe(0);
    expect(api.status()).toMatchObject({ committed: 1, durability: 'none' });
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('entries of another device stay where they are, and a warning names the device', async () => {
    const origin = makeOrigin();
    const deviceId = '33333333-3333-4333-8333-333333333333';
    const first = origin.open({ deviceId });
    first.addValue('a', 1);
    first.commit();
    origin.crash(first);
    const second = origin.open();
    await origin.clock.advance(120_000);
    expect(second.status().committed).toBe(0);
    expect(second.status().warnings.filter(({ code }) => code === 'entries-waiting')).toHaveLength(1);
    expect(second.status().warnings[0]?.message).toContain(deviceId);
    const third = origin.open({ deviceId: deviceId.toUpperCase() });
    await origin.clock.advance(5000);
    expect(third.status().committed).toBe(1);
  });

  test('entries left by another tab are adopted while this one runs', async () => {
    const origin = makeOrigin();
    const living = origin.open();
    const other = origin.open();
    await origin.clock.advance(5000);
    other.addValue('a', 1);
    other.commit();
    origin.crash(other);
    await origin.clock.advance(40_000);
    expect(await living.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('an Api opened and closed often leaves no timer and no key behind', async () => {
    const origin = makeOrigin();
    for (let run = 0; run < 20; run++) {
      const api = origin.open();
      await origin.clock.advance(3000);
      api.addValue('a', run);
      await api.commitAndPush();
      await api.close();
    }
    await origin.clock.advance(15_000);
    expect(origin.clock.timers).toBe(0);
    // The last run's own destination stays until the next run finds it.
    expect(origin.localStorage.length).toBeLessThanOrEqual(2);
  });

  test('`ready` resolves in bounded time though the storage never answers', async () => {
    const clock = new FakeClock();
    const storage = memoryStorage();
    const silent = {
      ...storage,
      open: (...args: Parameters<typeof storage.open>) =>
        Object.assign(storage.open(...args), { adopt: () => new Promise<never>(() => {}) }),
    };
    const api = new Api({ ...credentials, storage: silent }, { clock, transport: new FakeServer() });
    let ready = false;
    void api.ready.then(() => {
      ready = true;
    });
    await clock.advance(9000);
    expect(ready).toBe(false);
    await clock.advance(2000);
    expect(ready).toBe(true);
  });

  test('`ready` resolves with a warning when the entries of earlier runs cannot be read', async () => {
    const clock = new FakeClock();
    const storage = memoryStorage();
    const broken = {
      ...storage,
      open: (...args: Parameters<typeof storage.open>) =>
        Object.assign(storage.open(...args), { adopt: () => Promise.reject(new Error('x')) }),
    };
    const api = new Api({ ...credentials, storage: broken }, { clock, transport: new FakeServer() });
    await api.ready;
    expect(api.status().warnings).toMatchObject([{ code: 'storage-failed' }]);
    api.addValue('a', 1);
    expect(await api.commitAndPush()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });
});

describe('a storage that fails', () => {
  test('at commit: StorageException has the number of queued entries, the values are still staged, and the next commit works', () => {
    const { open, localStorage } = makeOrigin();
    const api = open();
    api.addValue('a', 1);
    api.commit();
    localStorage.capacity = localStorage.units + 20;
    api.addValue('a', 2);
    api.addValue('b', 'x');
    expect(() => api.commit()).toThrow(
      expect.objectContaining({
        name: 'StorageException',
        message: expect.stringMatching(/localStorage is full.*Still queued and safe: 1 \(9 bytes\).*still staged/),
      }),
    );
    expect(api.status()).toMatchObject({ staged: 2, committed: 1 });
    localStorage.capacity = 5_000_000;
    expect(api.commit()?.values).toEqual([
      { fieldId: 'a', value: 2 },
      { fieldId: 'b', value: 'x' },
    ]);
  });

  test('at acknowledge: the entries leave the queue, are not sent again, and are removed as soon as it works', async () => {
    const origin = makeOrigin();
    const api = origin.open();
    await origin.clock.advance(5000);
    api.addValue('a', 1);
    api.commit();
    const { removeItem } = origin.localStorage;
    origin.localStorage.removeItem = () => {
      throw new Error('broken');
    };
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
    expect(await api.push()).toEqual({ pushed: 0, requests: 0, expired: 0 });
    await origin.clock.advance(31_000);
    expect(api.status().warnings).toMatchObject([{ code: 'storage-failed' }]);
    origin.localStorage.removeItem = removeItem;
    await origin.clock.advance(31_000);
    origin.crash(api);
    const next = origin.open();
    await origin.clock.advance(5000);
    expect(next.status().committed).toBe(0);
  });
});

test.each([
  [{ timestamp: 1.5, values: [{ fieldId: 'a', value: 1 }] }, 'entries[1].timestamp must be whole Unix seconds'],
  [{ timestamp: 1 }, 'entries[1].values must be a non-empty array'],
])('an entry that is none (%j) is refused by its place, and none is restored', (entry, message) => {
  const api = new Api(credentials);
  const right = { id: 'x-1', timestamp: 1, values: [{ fieldId: 'a', value: 1 }] };
  expect(() => api.restore([right, entry] as never)).toThrow(message);
  expect(api.log()).toEqual([]);
});

test('restored entries keep their times, get new ids, and are saved', async () => {
  const origin = makeOrigin();
  origin.server.answerWith(() => received(401, { message: 'no' }));
  const api = origin.open();
  api.addValue('a', 1);
  const entry = api.commit({ timestamp: 1_600_000_000 });
  const exception = await api.push().catch((error: unknown) => error);
  expect(exception).toMatchObject({ discarded: [entry] });
  expect(api.restore([entry as NonNullable<typeof entry>])).toMatchObject([
    { timestamp: 1_600_000_000, values: entry?.values },
  ]);
  origin.crash(api);
  const next = origin.open();
  await origin.clock.advance(5000);
  expect(next.log()).toMatchObject([{ timestamp: 1_600_000_000 }]);
  expect(next.log()[0]?.id).not.toBe(entry?.id);
});
