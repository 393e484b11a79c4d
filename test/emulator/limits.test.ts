import { afterEach, describe, expect, test, vi } from 'vitest';
import { Api, memoryStorage } from '../../src/index.js';
import {
  BASE_URL,
  DEVICE,
  entry,
  get,
  HEADERS,
  KEY,
  NOW,
  post,
  READ_KEY,
  read,
  STRANGER,
  standing,
  upload,
} from './helpers.js';

const MEBIBYTE = 1_048_576;
const encoder = new TextEncoder();

/** A body that counts its pieces; without an end where there are no more than `pieces`. */
function countedBody(pieces: Iterable<string>) {
  const iterator = pieces[Symbol.iterator]();
  const count = { pulls: 0, isCancelled: false };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        count.pulls += 1;
        const { done, value } = iterator.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel() {
        count.isCancelled = true;
      },
    },
    // Nothing is pulled that nobody reads.
    { highWaterMark: 0 },
  );
  return { stream, count };
}

function* endless(piece: string): Generator<string> {
  for (;;) yield piece;
}

const stream = (body: ReadableStream, headers: Record<string, string> = HEADERS): Request =>
  new Request(`${BASE_URL}entries/`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit);

const as = (deviceId: string, apiKey: string) => ({ ...HEADERS, 'x-device-id': deviceId, 'x-api-key': apiKey });

describe('a body without good credentials or a route', () => {
  test.each([
    ['no credentials', 401, {}],
    ['an unknown key', 401, as(DEVICE, STRANGER)],
    ['a key that may only read', 403, as(DEVICE, READ_KEY)],
    ['a device id that is a pattern', 401, as('*', KEY)],
    ['a key that is no UUID', 401, as(DEVICE, 'x'.repeat(100_000))],
  ])('is not read: %s', async (_, status, headers) => {
    const emulator = standing();
    const body = countedBody(endless(' '.repeat(65_536)));
    expect((await emulator.fetch(stream(body.stream, headers))).status).toBe(status);
    expect(body.count.pulls).toBe(0);
    expect(emulator.requests).toMatchObject([{ status, entries: undefined }]);
  });

  test('is not read: at another path, or with another method', async () => {
    const emulator = standing();
    const [lost, put] = [countedBody(endless('x')), countedBody(endless('x'))];
    const at = (path: string, method: string, body: ReadableStream) =>
      emulator.fetch(new Request(BASE_URL + path, { method, headers: HEADERS, body, duplex: 'half' } as RequestInit));
    expect((await at('nothing', 'POST', lost.stream)).status).toBe(404);
    expect((await at('entries/', 'PUT', put.stream)).status).toBe(405);
    expect([lost.count.pulls, put.count.pulls]).toEqual([0, 0]);
  });
});

describe('a body', () => {
  afterEach(() => void vi.useRealTimers());

  test('that never ends is read up to maxBodyBytes', async () => {
    const body = countedBody(endless(' '.repeat(65_536)));
    const answer = await read(standing().fetch(stream(body.stream)));
    expect(answer).toEqual({ status: 413, json: { message: `The body must be at most ${MEBIBYTE} bytes long` } });
    expect(body.count).toEqual({ pulls: 17, isCancelled: true });
  });

  test('of a content-length above maxBodyBytes is not read', async () => {
    const body = countedBody(endless(' '));
    const headers = { ...HEADERS, 'content-length': String(MEBIBYTE + 1) };
    const answer = standing().fetch(`${BASE_URL}entries/`, { method: 'POST', headers, body: body.stream });
    expect((await answer).status).toBe(413);
    expect(body.count.pulls).toBeLessThanOrEqual(1);
  });

  test.each(['1', '-1', 'x', '1e-9', '0x1'])('is counted whatever content-length claims: %s', async (length) => {
    const headers = { ...HEADERS, 'content-length': length };
    const send = (body: string) =>
      standing({ maxBodyBytes: 200 }).fetch(`${BASE_URL}entries/`, { method: 'POST', headers, body });
    expect((await send(JSON.stringify(upload(['a', 1])))).status).toBe(200);
    expect((await send(JSON.stringify(upload(['a', 'x'.repeat(200)])))).status).toBe(413);
  });

  test.each([
    ['as text', (text: string) => post(text)],
    ['as a stream', (text: string) => stream(countedBody([text]).stream)],
  ])('may be as long as maxBodyBytes, in bytes, and no longer: %s', async (_, ask) => {
    const text = JSON.stringify(upload(['a', 'å😀']));
    const bytes = encoder.encode(text).length;
    expect((await standing({ maxBodyBytes: bytes }).fetch(ask(text))).status).toBe(200);
    expect((await standing({ maxBodyBytes: bytes - 1 }).fetch(ask(text))).status).toBe(413);
  });

  test('is joined from pieces that part characters', async () => {
    const emulator = standing();
    const bytes = encoder.encode(JSON.stringify(upload(['å', '😀'])));
    const body = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect((await emulator.fetch(stream(body))).status).toBe(200);
    expect(emulator.entries(DEVICE)).toEqual([{ timestamp: NOW, values: [{ fieldId: 'å', value: '😀' }] }]);
  });

  test('that is not UTF-8 is refused, not altered', async () => {
    const body = new Blob(['{"clientTimestamp":1,"entries":[],"x":"', Uint8Array.of(0xff), '"}']);
    const answer = standing().fetch(`${BASE_URL}entries/`, { method: 'POST', headers: HEADERS, body });
    expect(await read(answer)).toEqual({ status: 400, json: { message: 'the body must be UTF-8' } });
  });

  test('that drips is given up after two minutes, and others are answered meanwhile', async () => {
    vi.useFakeTimers();
    const emulator = standing();
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(encoder.encode('{'));
      },
    });
    const slow = emulator.fetch(stream(body));
    await vi.advanceTimersByTimeAsync(119_999);
    expect((await emulator.fetch(post(upload(['a', 1])))).status).toBe(200);
    await vi.advanceTimersByTimeAsync(1);
    expect(await read(slow)).toEqual({ status: 408, json: { message: 'The body must arrive within 120 s' } });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('whose connection breaks rejects, stores nothing and leaves no timer', async () => {
    vi.useFakeTimers();
    const emulator = standing();
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('reset')) });
    await expect(emulator.fetch(stream(body))).rejects.toThrow('reset');
    expect(emulator.entries(DEVICE)).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('above maxBodyBytes makes an Api send less at a time, until all is stored', async () => {
    const emulator = standing({ maxBodyBytes: 1000 });
    const api = new Api({ deviceId: DEVICE, apiKey: KEY, fetch: emulator.fetch, storage: memoryStorage() });
    for (let value = 0; value < 100; value++) {
      api.addValue('a', value);
      api.commit();
    }
    await api.push();
    const values = emulator.entries(DEVICE).map((received) => received.values[0]?.value);
    expect(values).toEqual(Array.from({ length: 100 }, (_, value) => value));
    expect(emulator.requests[0]).toMatchObject({ status: 413, entries: undefined });
  });
});

describe('a hostile body', () => {
  const nested = '['.repeat(100_000) + ']'.repeat(100_000);
  const objects = '{"a":'.repeat(100_000) + 1 + '}'.repeat(100_000);

  test.each([
    ['brackets, 100,000 deep', nested],
    ['objects, 100,000 deep', objects],
    ['brackets that are not closed', '['.repeat(1_000_000)],
    ['brackets for entries', `{"clientTimestamp":1,"entries":${nested}}`],
    ['objects for entries', `{"clientTimestamp":1,"entries":${objects}}`],
    ['brackets for a time', `{"clientTimestamp":${nested},"entries":[]}`],
    ['brackets for a value', `{"clientTimestamp":1,"entries":[{"timestamp":1,"values":[{"a":${nested}}]}]}`],
    ['entries in __proto__', '{"__proto__":{"clientTimestamp":1,"entries":[]}}'],
    ['a time of 400 digits', `{"clientTimestamp":${'9'.repeat(400)},"entries":[]}`],
    ['a value of 400 digits', `{"clientTimestamp":1,"entries":[{"timestamp":1,"values":[{"a":${'9'.repeat(400)}}]}]}`],
    ['a value of an exponent of 400 digits', `{"clientTimestamp":1e${'9'.repeat(400)},"entries":[]}`],
  ])('is a 400 and stores nothing: %s', async (_, body) => {
    const emulator = standing();
    expect((await emulator.fetch(post(body))).status).toBe(400);
    expect(emulator.entries(DEVICE)).toEqual([]);
  });

  test('reaches no prototype: __proto__ beside the rest, as a field and within a value', async () => {
    const emulator = standing();
    const proto = '"__proto__":{"polluted":true}';
    const entries = `[{${proto},"timestamp":1,"values":[{"__proto__":"on"}]}]`;
    expect((await emulator.fetch(post(`{${proto},"clientTimestamp":1,"entries":${entries}}`))).status).toBe(200);
    expect(emulator.entries(DEVICE)).toEqual([{ timestamp: 1, values: [{ fieldId: '__proto__', value: 'on' }] }]);
    expect('polluted' in {}).toBe(false);
    expect('polluted' in (emulator.entries(DEVICE)[0] ?? {})).toBe(false);
  });

  test('means by a key that stands twice the last one, in its checks and in what is stored', async () => {
    const emulator = standing();
    const twice = (first: string, last: string) => `{"clientTimestamp":1,"entries":${first},"entries":${last}}`;
    const good = '[{"timestamp":1,"values":[{"a":{},"a":1}]}]';
    expect((await emulator.fetch(post(twice('5', good)))).status).toBe(200);
    expect((await emulator.fetch(post(twice(good, '5')))).status).toBe(400);
    expect(emulator.entries(DEVICE)).toEqual([{ timestamp: 1, values: [{ fieldId: 'a', value: 1 }] }]);
  });

  test('loses no digit of a number that doubles have', async () => {
    const emulator = standing();
    await emulator.fetch(post(upload(['a', 1.7976931348623157e308], ['b', 5e-324], ['c', 2 ** 53 - 1])));
    expect(emulator.entries(DEVICE)[0]?.values.map(({ value }) => value)).toEqual([
      Number.MAX_VALUE,
      Number.MIN_VALUE,
      Number.MAX_SAFE_INTEGER,
    ]);
  });
});

describe('an upload', () => {
  const inside = async (body: unknown) => (await standing().fetch(post(body))).status;
  const values = (count: number) => Array.from({ length: count }, (): [string, number] => ['a', 1]);
  const TIME = 'must be seconds from 0 to 100000000000, got';

  test.each([
    [413, 'entries must be at most 10000, got 10001', { clientTimestamp: 1, entries: Array(10_001).fill(entry(1)) }],
    [400, 'entries[0].values must be at most 10000 values, got an array', upload(...values(10_001))],
    [400, 'fieldId must be a non-empty field id of at most 1000 characters', upload(['x'.repeat(1001), 1])],
    [400, 'a string of at most 100000 characters, got a string of 100001', upload(['a', 'x'.repeat(100_001)])],
    [400, `entries[0].timestamp ${TIME} -1`, { clientTimestamp: 1, entries: [entry(-1)] }],
    [400, `entries[0].timestamp ${TIME} 1795349662000`, { clientTimestamp: 1, entries: [entry(NOW * 1000)] }],
    [400, `entries[0].timestamp ${TIME} 9000000000000000`, { clientTimestamp: 1, entries: [entry(9e15)] }],
    [400, `clientTimestamp ${TIME} 100000000001`, { clientTimestamp: 1e11 + 1, entries: [] }],
    [400, `clientTimestamp ${TIME} -1`, { clientTimestamp: -1, entries: [] }],
  ])('is bounded: %d %s', async (status, message, body) => {
    const emulator = standing();
    expect(await read(emulator.fetch(post(body)))).toEqual({
      status,
      json: { message: expect.stringContaining(message) },
    });
    expect(emulator.entries(DEVICE)).toEqual([]);
  });

  test('is taken at each bound', async () => {
    expect(await inside({ clientTimestamp: 1, entries: Array(10_000).fill(entry(1)) })).toBe(200);
    expect(await inside(upload(...values(10_000)))).toBe(200);
    expect(await inside(upload(['x'.repeat(1000), 'x'.repeat(100_000)]))).toBe(200);
    expect(await inside({ clientTimestamp: 0, entries: [entry(0), entry(1e11)] })).toBe(200);
  });

  test('in milliseconds hides no later value', async () => {
    const emulator = standing();
    await emulator.fetch(post({ clientTimestamp: NOW, entries: [entry(NOW * 1000, ['a', 'wrong'])] }));
    await emulator.fetch(post(upload(['a', 'right'])));
    const { json } = await read(emulator.fetch(get('values/a')));
    expect(json.data.values).toEqual([{ a: { value: 'right', timestamp: NOW } }]);
  });

  test.each([
    ['before 1970', 0, 1e11, 0],
    ['after the year 5138', 1e11, 0, 1e11],
  ])(
    'moved to the clock of the server has a time that a client takes: %s',
    async (_, time, clientTimestamp, timestamp) => {
      const emulator = standing();
      await emulator.fetch(post({ clientTimestamp, entries: [entry(time, ['a', 1])] }));
      const { json } = await read(emulator.fetch(get('values/a')));
      expect(json.data.values).toEqual([{ a: { value: 1, timestamp } }]);
    },
  );
});

test('a request for more than 1000 fields is refused', async () => {
  const ids = (count: number): string => `values/${Array(count).fill('a').join(',')}`;
  expect((await standing().fetch(get(ids(1000)))).status).toBe(200);
  expect((await standing().fetch(get(ids(1001)))).status).toBe(400);
});

test('the list of requests holds no more than the beginning of a path', async () => {
  const emulator = standing();
  await emulator.fetch(get(`values/${'x'.repeat(1_000_000)}`));
  expect(emulator.requests[0]?.path).toHaveLength(2000);
});

test('keeps as many entries of a device as asked for, the newest', async () => {
  const emulator = standing({ maxEntries: 3 });
  for (let at = 1; at <= 10; at++) {
    await emulator.fetch(post(upload(['a', at])));
    expect(emulator.entries(DEVICE).length).toBe(Math.min(at, 3));
  }
  expect(emulator.entries(DEVICE).map(({ values }) => values[0]?.value)).toEqual([8, 9, 10]);
});
