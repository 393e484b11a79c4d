import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { expectBadLuck, getFailure, pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { asUploaded } from '../support/builders/uploads.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { reply, StubFetch } from '../support/fakes/stub-fetch.js';
import { loopbackServer } from '../support/servers/loopback-server.js';
import { type Behaviour, closedPort, drip, HEALTHY_ANSWER, rawServer } from '../support/servers/raw-server.js';
import { selfSigned } from '../support/servers/self-signed.js';

describe('no connection', () => {
  test('F1 a refused connection is bad luck, and what was kept is stored once the server is there', async () => {
    const port = await closedPort();
    const api = openApi({ baseUrl: `http://127.0.0.1:${port}/api/v1/` });
    const entries = commitEach(api, 1, 2);
    const exception = await pushFailure(api.push());
    expectBadLuck(exception);
    expect(exception.message).toContain('ECONNREFUSED');
    expect(exception.status).toBeUndefined();
    expect(api.log()).toEqual(entries);

    const server = await rawServer(undefined, port);
    expect(await api.push()).toEqual({ pushed: 2, requests: 1, expired: 0 });
    expect(server.stored).toEqual([asUploaded(entries)]);
    expect(api.log()).toEqual([]);
  });

  test('F1 a host name that does not resolve is bad luck and keeps everything', async () => {
    const api = openApi({ baseUrl: 'https://nikdev.invalid/api/v1/' });
    const entries = commitEach(api, 1);
    expectBadLuck(await pushFailure(api.push()));
    expect(api.log()).toEqual(entries);
  });

  test('F1 https to an http port is bad luck, with no fallback to http', async () => {
    const server = await loopbackServer((_request, response) => response.end('{"data":{}}'));
    const api = openApi({ baseUrl: server.baseUrl.replace('http:', 'https:') });
    const entries = commitEach(api, 1);
    expectBadLuck(await pushFailure(api.push()));
    expect(api.log()).toEqual(entries);
    expect(server.requests).toEqual([]);
  });

  test('F1 a certificate that nobody vouches for is bad luck; the server gets no request', async () => {
    let requests = 0;
    const server = createHttpsServer(selfSigned(), (_request, response) => {
      requests += 1;
      response.end('{"data":{}}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const api = openApi({ baseUrl: `https://localhost:${(server.address() as AddressInfo).port}/api/v1/` });
    const entries = commitEach(api, 1);
    const exception = await pushFailure(api.push());
    expectBadLuck(exception);
    expect(exception.message).toMatch(/CERT/);
    expect(api.log()).toEqual(entries);
    expect(requests).toBe(0);
  });
});

const head = (headers: string): string => `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${headers}\r\n\r\n`;

/** Does something once the whole request has come. */
const afterRequest =
  (answer: (socket: Socket) => void): Behaviour =>
  async (socket, request) => {
    await request;
    answer(socket);
  };

/** Writes until the other side has had enough. */
function writeForever(socket: Socket, piece: string): void {
  while (!socket.destroyed && socket.write(piece));
  if (!socket.destroyed) socket.once('drain', () => writeForever(socket, piece));
}

const bomb = gzipSync(Buffer.alloc(20_000_000, ' '));

const BREAKAGES: Record<string, Behaviour> = {
  'a reset within the request': (socket) => socket.resetAndDestroy(),
  'a reset before the headers': afterRequest((socket) => socket.resetAndDestroy()),
  'a reset within the headers': afterRequest((socket) =>
    socket.write('HTTP/1.1 200 OK\r\ncontent-ty', () => socket.resetAndDestroy()),
  ),
  'an end before the headers': afterRequest((socket) => socket.end()),
  'no answer at all': () => {},
  'headers that come byte by byte past the deadline': afterRequest((socket) => drip(socket, HEALTHY_ANSWER, 20)),
  'headers without end': afterRequest((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    writeForever(socket, 'x-more: and more\r\n');
  }),
  'interim answers without end': afterRequest((socket) => drip(socket, 'HTTP/1.1 103 E\r\n\r\n'.repeat(100), 1)),
  'a body that comes byte by byte past the deadline': afterRequest((socket) => {
    socket.write(head('content-length: 100'));
    drip(socket, '{"data":{}}'.padEnd(100), 20);
  }),
  'a body that never begins': afterRequest((socket) => socket.write(head('content-length: 11'))),
  'garbage instead of HTTP': afterRequest((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')),
  'binary garbage': afterRequest((socket) => socket.end(Buffer.from(Array.from({ length: 512 }, (_, i) => i % 256)))),
  'a status that is not one': afterRequest((socket) => socket.end('HTTP/1.1 2OO OK\r\ncontent-length: 0\r\n\r\n')),
  'two lengths that contradict each other': afterRequest((socket) =>
    socket.end(`${head('content-length: 2\r\ncontent-length: 11')}{"data":{}}`),
  ),
};

/** Too long to be the server's; the deadline is far away, so that only the cap can end them. */
const GIANTS: Record<string, Behaviour> = {
  'a body without end': afterRequest((socket) => {
    socket.write(head('connection: close'));
    writeForever(socket, ' '.repeat(65_536));
  }),
  'a giant body': afterRequest((socket) =>
    socket.end(`${head('content-length: 2000000')}${'{"data":{}}'.padEnd(2_000_000)}`),
  ),
  'a small body that unpacks to a giant one': afterRequest((socket) => {
    socket.write(head(`content-encoding: gzip\r\ncontent-length: ${bomb.length}`));
    socket.end(bomb);
  }),
};

describe('answers that are none', () => {
  test.each([
    ...Object.entries(BREAKAGES).map(([name, breakage]) => [name, breakage, 1] as const),
    ...Object.entries(GIANTS).map(([name, breakage]) => [name, breakage, 60] as const),
  ])('F2 %s: kept, and stored once by the next push', async (_name, breakage, requestTimeout) => {
    const server = await rawServer(breakage);
    const api = openApi({ baseUrl: server.baseUrl, requestTimeout });
    const entries = commitEach(api, 1, 2, 3);
    expectBadLuck(await pushFailure(api.push()));
    expect(api.log()).toEqual(entries);
    expect(api.status().pushing).toBe(false);
    await server.disconnected();

    server.behave(server.healthy);
    expect(await api.push()).toMatchObject({ pushed: 3 });
    // After a time-out less is sent at once.
    expect(server.stored.flat()).toEqual(asUploaded(entries));
    expect(api.log()).toEqual([]);
  });

  test('F2 an answer that comes slowly but within the deadline is an answer', async () => {
    const server = await rawServer();
    server.behave(server.storeThen((socket) => drip(socket, HEALTHY_ANSWER, 1)));
    const api = openApi({ baseUrl: server.baseUrl, requestTimeout: 10 });
    commitEach(api, 1);
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('F2 no more than a few megabytes of an endless body are taken', async () => {
    let written = 0;
    const server = await rawServer(
      afterRequest((socket) => {
        socket.write(head('connection: close'));
        writeForever(socket, ' '.repeat(65_536));
        socket.on('close', () => {
          written = socket.bytesWritten;
        });
      }),
    );
    const api = openApi({ baseUrl: server.baseUrl, requestTimeout: 60 });
    commitEach(api, 1);
    await pushFailure(api.push());
    await server.disconnected();
    // The bytes that the cap lets through, and those in the buffers of the two sockets.
    expect(written).toBeLessThan(32 * 1024 * 1024);
  });

  test.each([
    ['never answers', () => new Promise<Response>(() => {})],
    ['never ends its body', () => new Response(new ReadableStream())],
    [
      'drips its body',
      (clock: FakeClock) =>
        new Response(
          new ReadableStream({
            start(stream) {
              const next = (): void => {
                stream.enqueue(new Uint8Array([0x20]));
                clock.setTimer(next, 1000);
              };
              next();
            },
          }),
        ),
    ],
  ])(
    'F2 a fetch that %s and ignores its signal: the one deadline ends it, neither sooner nor later',
    async (_name, answer) => {
      const clock = new FakeClock();
      const api = openApi({ fetch: async () => answer(clock), requestTimeout: 10 }, { clock });
      const entries = commitEach(api, 1);
      let ended = false;
      const failure = pushFailure(api.push().finally(() => (ended = true)));
      await clock.advance(9_999);
      await turn();
      expect(ended).toBe(false);
      await clock.advance(1);
      await turn();
      expect(ended).toBe(true);
      expectBadLuck(await failure);
      expect(api.log()).toEqual(entries);
    },
  );

  test('F2 the timer of the deadline is cleared once the request is answered', async () => {
    const clock = new FakeClock();
    const api = openApi({ fetch: new StubFetch().fetch }, { clock });
    await api.ready;
    const timers = clock.timers;
    commitEach(api, 1);
    await api.push();
    expect(clock.timers).toBe(timers);
  });
});

describe('one call', () => {
  test.each<[string, () => Response | Promise<Response>]>([
    ['fails', () => Promise.reject(new TypeError('fetch failed'))],
    ['is answered 503 with Retry-After', () => reply(503, '', { 'retry-after': '0' })],
    ['is answered 413 with Retry-After', () => reply(413, '', { 'retry-after': '0' })],
    ['is answered 429', () => reply(429)],
  ])('F2 that %s is one request: nothing beneath tries again', async (_name, answer) => {
    const stub = new StubFetch(answer);
    const api = openApi({ fetch: stub.fetch });
    commitEach(api, 1);
    await pushFailure(api.push());
    expect(stub.requests.map(({ method }) => method)).toEqual(['POST']);
    await getFailure(api.get('a'));
    expect(stub.requests.map(({ method }) => method)).toEqual(['POST', 'GET']);
  });
});

describe('answers that are lost or cut short', () => {
  test('F3 entries stored without an answer are kept and sent again, unchanged', async () => {
    const server = await rawServer();
    server.behave(server.storeThen((socket) => socket.resetAndDestroy()));
    const api = openApi({ baseUrl: server.baseUrl });
    const entries = commitEach(api, 1, 2);
    expectBadLuck(await pushFailure(api.push()));
    expect(api.log()).toEqual(entries);

    // Two losses in a row may have been about the size: the next push sends halves.
    const lost = [asUploaded(entries), asUploaded(entries)];
    expect(server.stored).toEqual(lost);
    server.behave(server.healthy);
    expect(await api.push()).toEqual({ pushed: 2, requests: 2, expired: 0 });
    expect(server.stored).toEqual([...lost, ...entries.map((entry) => asUploaded([entry]))]);
    expect(api.log()).toEqual([]);
  });

  const zipped = gzipSync('{"data":{}}');

  test.each<[string, number, string, string | Buffer]>([
    ['with a content-length larger than its body', 200, 'content-length: 100', '{"data":{}}'],
    ['that is a 201 with a content-length larger than its body', 201, 'content-length: 100', '{"data":{}}'],
    ['with a content-length and no body at all', 200, 'content-length: 11', ''],
    ['in chunks, without the last one', 200, 'transfer-encoding: chunked', 'b\r\n{"data":{}}\r\n'],
    ['within a chunk', 200, 'transfer-encoding: chunked', 'ff\r\n{"data":{}}'],
    ['in chunks of a size that is none', 200, 'transfer-encoding: chunked', 'b\r\n{"data":{}}\r\nzz\r\n'],
    ['packed', 200, `content-encoding: gzip\r\ncontent-length: ${zipped.length}`, zipped.subarray(0, -12)],
  ])('F4 a 200 whose body is cut short is not acknowledged: %s', async (_name, status, headers, body) => {
    const server = await rawServer(
      afterRequest((socket) => {
        socket.write(`HTTP/1.1 ${status} OK\r\ncontent-type: application/json\r\n${headers}\r\n\r\n`);
        socket.end(body);
      }),
    );
    const api = openApi({ baseUrl: server.baseUrl });
    const entries = commitEach(api, 1, 2);
    expectBadLuck(await pushFailure(api.push()));
    expect(api.log()).toEqual(entries);

    server.behave(server.healthy);
    await api.push();
    expect(server.stored.flat()).toEqual(asUploaded(entries));
    expect(api.log()).toEqual([]);
  });

  test('F4 a 200 without a length, whose body ends with the connection, is whole', async () => {
    const server = await rawServer();
    server.behave(server.storeThen((socket) => socket.end(`${head('connection: close')}{"data":{}}`)));
    const api = openApi({ baseUrl: server.baseUrl });
    commitEach(api, 1);
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test('F4 a fetch whose body fails after a 200 does not acknowledge', async () => {
    const broken = (): Response =>
      new Response(
        new ReadableStream({
          pull(stream) {
            stream.enqueue(new TextEncoder().encode('{"data":'));
            stream.error(new TypeError('terminated'));
          },
        }),
      );
    const api = openApi({ fetch: new StubFetch(broken).fetch });
    const entries = commitEach(api, 1);
    expectBadLuck(await pushFailure(api.push()));
    expect(api.log()).toEqual(entries);
  });
});

describe('the message in a page', () => {
  test('F16 a fetch that fails without saying why is kept, and CORS is named as a possible cause', async () => {
    const stub = new StubFetch(() => Promise.reject(new TypeError('Failed to fetch')));
    const api = openApi({ fetch: stub.fetch });
    const entries = commitEach(api, 1);
    const exception = await pushFailure(api.push());
    expectBadLuck(exception);
    expect(exception.message).toContain('CORS');
    expect(api.log()).toEqual(entries);

    stub.answerWith(() => reply(200));
    expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  });

  test.each([
    ['undefined', () => Promise.reject(undefined)],
    ['a string', () => Promise.reject('no')],
    [
      'a synchronous throw',
      () => {
        throw new Error('no');
      },
    ],
    ['no promise and no response', () => undefined],
  ])('F16 a fetch that fails with %s is bad luck like any other', async (_name, fetch) => {
    const api = openApi({ fetch: fetch as () => Promise<never> });
    const entries = commitEach(api, 1);
    expectBadLuck(await pushFailure(api.push()));
    expect(api.log()).toEqual(entries);
  });
});
