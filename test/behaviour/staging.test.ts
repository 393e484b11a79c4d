import { describe, expect, test } from 'vitest';
import { Api, ValueException } from '../../src/index.js';
import { credentials } from '../support/builders/credentials.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeServer } from '../support/fakes/fake-server.js';

function setUp() {
  const clock = new FakeClock(1_795_349_662_999);
  const server = new FakeServer();
  return { clock, server, api: new Api(credentials, { clock, transport: server }) };
}

describe('addValues', () => {
  test('stages all of them in the order of the object', () => {
    const { api } = setUp();
    api.addValue('b', 0);
    api.addValues({ a: 1, b: 'x', c: true });
    expect(api.commit()?.values).toEqual([
      { fieldId: 'b', value: 'x' },
      { fieldId: 'a', value: 1 },
      { fieldId: 'c', value: true },
    ]);
  });

  test.each([[{ a: 1, b: Number.NaN }], [{ a: 1, '': 2 }], [[1]], [null], ['a'], [undefined]])(
    'stages none of %o, of which something is wrong',
    (values) => {
      const { api } = setUp();
      expect(() => api.addValues(values as never)).toThrow(ValueException);
      expect(api.status().staged).toBe(0);
    },
  );

  test('reads a getter once', () => {
    const { api } = setUp();
    let reads = 0;
    api.addValues({
      get a() {
        reads += 1;
        return reads === 1 ? 1 : (undefined as never);
      },
    });
    expect(api.commit()?.values).toEqual([{ fieldId: 'a', value: 1 }]);
  });
});

describe('commit', () => {
  test('with nothing staged makes no entry', () => {
    const { api } = setUp();
    expect(api.commit()).toBeUndefined();
    expect(api.status().committed).toBe(0);
  });

  test('takes the time in whole seconds, the started one counting', () => {
    const { api } = setUp();
    api.addValue('a', 1);
    expect(api.commit()?.timestamp).toBe(1_795_349_662);
  });

  test('takes the time that it is given', () => {
    const { api } = setUp();
    api.addValue('a', 1);
    expect(api.commit({ timestamp: 0 })?.timestamp).toBe(0);
  });

  test.each([Date.now(), 1.5, -1, Number.NaN, '1700000000', null, new Date()])(
    'refuses %o as a time, and the values stay staged',
    (timestamp) => {
      const { api } = setUp();
      api.addValue('a', 1);
      expect(() => api.commit({ timestamp: timestamp as number })).toThrow(/timestamp must be whole Unix seconds.*got/);
      expect(api.status()).toMatchObject({ staged: 1, committed: 0 });
    },
  );

  test('gives each entry an id of its own', () => {
    const { api } = setUp();
    const ids = Array.from({ length: 5 }, () => {
      api.addValue('a', 1);
      return api.commit()?.id;
    });
    expect(new Set(ids).size).toBe(5);
  });
});

test('push with nothing committed sends nothing', async () => {
  const { api, server } = setUp();
  expect(await api.push()).toEqual({ pushed: 0, requests: 0, expired: 0 });
  expect(server.requests).toEqual([]);
});

test('clientTimestamp is the moment of sending, in each request', async () => {
  const { clock, server } = setUp();
  const api = new Api({ ...credentials, maxEntriesPerRequest: 1 }, { clock, transport: server });
  for (const value of [1, 2]) {
    api.addValue('a', value);
    api.commit();
  }
  const times: number[] = [];
  server.answerWith(({ body }) => {
    times.push((JSON.parse(body ?? '') as { clientTimestamp: number }).clientTimestamp);
    clock.jump(10_000);
    return { received: true, status: 200, body: '', contentType: undefined, retryAfter: undefined, date: undefined };
  });
  clock.jump(100_000);
  await api.push();
  expect(times).toEqual([1_795_349_762, 1_795_349_772]);
});

test.each([
  [[{}]],
  [[null]],
  ['x'],
  [[{ timestamp: 1, values: [] }]],
  [[{ timestamp: 1, values: [null] }]],
  [[{ timestamp: 1, values: [{ fieldId: 'a', value: null }] }]],
])('restore refuses %o and puts nothing back', (entries) => {
  const { api } = setUp();
  const good = { id: 'x-1', timestamp: 1, values: [{ fieldId: 'a', value: 1 }] };
  expect(() => api.restore((Array.isArray(entries) ? [good, ...entries] : entries) as never)).toThrow(ValueException);
  expect(api.status().committed).toBe(0);
});
