import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { BASE_URL, DEVICE, HEADERS, read, standing, upload } from './helpers.js';

const GZIP = { ...HEADERS, 'content-encoding': 'gzip' };

function send(body: Uint8Array | string, headers: Record<string, string> = GZIP): Request {
  const bytes = typeof body === 'string' ? body : new Uint8Array(body);
  return new Request(`${BASE_URL}entries/`, { method: 'POST', headers, body: bytes });
}

const zipped = (input: unknown): Uint8Array => gzipSync(JSON.stringify(input));

describe('a compressed body', () => {
  test('is read, and named in the log', async () => {
    const emulator = standing();
    expect((await emulator.fetch(send(zipped(upload(['a', 'å😀']))))).status).toBe(200);
    expect(emulator.entries(DEVICE)[0]?.values).toEqual([{ fieldId: 'a', value: 'å😀' }]);
    expect(emulator.requests).toMatchObject([{ contentEncoding: 'gzip', status: 200, entries: 1 }]);
  });

  test('is read from a URL and options too', async () => {
    const emulator = standing();
    const body = zipped(upload(['a', 1]));
    const answer = await emulator.fetch(`${BASE_URL}entries/`, { method: 'POST', headers: GZIP, body });
    expect(answer.status).toBe(200);
  });

  test.each<[string, Uint8Array | string]>([
    ['no gzip', '{"clientTimestamp":1,"entries":[]}'],
    ['nothing', new Uint8Array()],
    ['half of it', zipped(upload(['a', 1])).slice(0, -20)],
    [
      'a wrong checksum',
      zipped(upload(['a', 1])).map((byte, index, all) => (index === all.length - 6 ? byte ^ 1 : byte)),
    ],
  ])('that is garbage is a 400: %s', async (_, body) => {
    const { status, json } = await read(standing().fetch(send(body)));
    expect([status, json.message]).toEqual([400, expect.stringContaining('must be gzip')]);
  });

  test('is bounded after it is inflated: a bomb is a 413, in bounded time and memory', async () => {
    const emulator = standing();
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, 32), { level: 9 });
    expect(bomb.length).toBeLessThan(1_048_576);
    const before = process.memoryUsage().arrayBuffers;
    const { status } = await read(emulator.fetch(send(bomb)));
    expect(status).toBe(413);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
  });

  test('is bounded before it is inflated', async () => {
    const emulator = standing({ maxBodyBytes: 2000 });
    const noise = Array.from({ length: 800 }, (_, index) => ['a', Math.sin(index)] as const);
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(zipped(upload(...noise)));
        controller.close();
      },
    });
    const request = new Request(`${BASE_URL}entries/`, {
      method: 'POST',
      headers: GZIP,
      body: stream,
      duplex: 'half',
    } as RequestInit);
    expect((await emulator.fetch(request)).status).toBe(413);
  });

  test.each(['br', 'gzip, gzip', 'deflate'])('of another encoding is a 415: %s', async (encoding) => {
    const emulator = standing();
    const { status, json } = await read(
      emulator.fetch(send(zipped(upload(['a', 1])), { ...HEADERS, 'content-encoding': encoding })),
    );
    expect([status, json.message]).toEqual([415, 'The content-encoding of a body must be gzip, or none']);
    expect(emulator.entries(DEVICE)).toEqual([]);
  });

  test('is a 415 where the platform cannot inflate it, as in jsdom', async () => {
    vi.stubGlobal('DecompressionStream', undefined);
    onTestFinished(() => void vi.unstubAllGlobals());
    expect((await standing().fetch(send(zipped(upload(['a', 1]))))).status).toBe(415);
  });

  test('can be refused by a scripted fault', async () => {
    const emulator = standing();
    emulator.script({ status: 415 });
    expect((await emulator.fetch(send(zipped(upload(['a', 1]))))).status).toBe(415);
    expect(emulator.entries(DEVICE)).toEqual([]);
  });

  test('is not read without credentials', async () => {
    const emulator = standing();
    const answer = await emulator.fetch(send(zipped(upload(['a', 1])), { 'content-encoding': 'gzip' }));
    expect(answer.status).toBe(401);
  });
});
