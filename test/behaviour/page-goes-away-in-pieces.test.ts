import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import type { Answer, TransportRequest } from '../../src/core/ports/transport.js';
import { type ApiOptions, memoryStorage } from '../../src/index.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { uploadedEntries } from '../support/builders/uploads.js';
import { FakeClock, turn } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';
import { range } from '../support/fakes/picky-server.js';

const KIB = 1024;
const BUDGET = 60 * KIB;
const PIECE = 16 * KIB;
const NO_ANSWER: Answer = { received: false, reason: 'unreachable' };

function setUp(options: Partial<ApiOptions> = {}) {
  const environment = new FakeEnvironment();
  const server = new FakeServer();
  const api = openApi(
    { storage: memoryStorage(), autoPush: false, ...options },
    { clock: new FakeClock(), transport: server, environment },
  );
  /** Commits texts of a size, which begin with consecutive letters. */
  const commitTexts = (...sizes: number[]): void => {
    for (const size of sizes) {
      const letter = String.fromCharCode(97 + (api.status().committed % 26));
      api.addValue('text', letter.repeat(size));
      api.commit();
    }
  };
  return { api, environment, server, commitTexts };
}

/** The first letters of the entries that each request carried. */
const piecesOf = (requests: readonly TransportRequest[]): string[] =>
  requests.map(({ body = '' }) =>
    uploadedEntries(body)
      .map(({ values }) => String(values[0]?.[1])[0])
      .join(''),
  );
const bytesOf = ({ body = '' }: TransportRequest): number => Buffer.byteLength(body);

describe('F54 a page that is left with more than one request should carry', () => {
  test('sends pieces of at most 16 KiB in the same task, oldest first, each entry once', () => {
    const { environment, server, commitTexts } = setUp();
    server.answerWith(() => held().answer);
    commitTexts(...Array(11).fill(4 * KIB));
    environment.dispatch('pagehide');
    const pieces = piecesOf(server.requests);
    expect(pieces.join('')).toBe('abcdefghijk');
    expect(pieces[0]).toBe('abc');
    expect(server.requests.every((request) => request.keepalive && bytesOf(request) <= PIECE)).toBe(true);
  });

  test('sends 60 KiB in all, and makes the last pieces ever smaller, as others may have left room for only those', () => {
    const { environment, server, commitTexts } = setUp();
    server.answerWith(() => held().answer);
    commitTexts(...Array(26).fill(3 * KIB));
    environment.dispatch('pagehide');
    expect(piecesOf(server.requests)).toEqual(['abcde', 'fghij', 'klmn', 'op', 'q', 'r', 's']);
    expect(server.requests.reduce((sum, request) => sum + bytesOf(request), 0)).toBeLessThanOrEqual(BUDGET);
  });

  test.each([30, 200, 1000, 2100, 4000, 6000, 8200, 15_000])(
    'sends all that fits into 60 KiB, in entries of %d bytes',
    (size) => {
      const { api, environment, server, commitTexts } = setUp();
      server.answerWith(() => held().answer);
      const count = Math.floor((BUDGET - 1000) / (size + 100));
      commitTexts(...Array(count).fill(size));
      environment.dispatch('pagehide');
      expect(piecesOf(server.requests).join('')).toHaveLength(api.status().committed);
    },
  );

  test('sends no more than one request for what that may carry', () => {
    const { environment, server, commitTexts } = setUp();
    commitTexts(...Array(15).fill(KIB));
    environment.dispatch('pagehide');
    expect(piecesOf(server.requests)).toEqual(['abcdefghijklmno']);
  });

  test('sends an entry larger than a piece in a request of its own', () => {
    const { environment, server, commitTexts } = setUp();
    commitTexts(KIB, 30 * KIB, KIB);
    environment.dispatch('pagehide');
    expect(piecesOf(server.requests)).toEqual(['a', 'b', 'c']);
  });

  test('sends nothing behind an entry that does not fit: first deliveries come in order', async () => {
    const { api, environment, server, commitTexts } = setUp();
    commitTexts(KIB, BUDGET, KIB);
    environment.dispatch('pagehide');
    await turn();
    expect(piecesOf(server.requests)).toEqual(['a']);
    expect(api.status().committed).toBe(2);
  });

  test('keeps the entries of a piece that fails and removes those of the others; the piece gives back its share', async () => {
    const { api, environment, server, commitTexts } = setUp();
    server.answerWith(({ body = '' }) => (body.includes('bbb') ? NO_ANSWER : received(200)));
    commitTexts(...Array(9).fill(5 * KIB));
    environment.dispatch('pagehide');
    await turn();
    expect(api.log().map(({ values }) => String(values[0]?.value)[0])).toEqual(['a', 'b', 'c']);
    expect(environment.keepalive.bytesLeft).toBe(BUDGET);
    server.answerWith(() => received(200));
    expect(await api.push()).toMatchObject({ pushed: 3 });
  });

  test('has at most 10 requests under way, however few entries one may carry', async () => {
    const { api, environment, server } = setUp({ maxEntriesPerRequest: 1 });
    server.answerWith(() => held().answer);
    commitEach(api, ...range(1, 20));
    environment.dispatch('pagehide');
    environment.dispatch('pagehide');
    expect(server.uploads).toEqual(range(1, 10).map((temperature) => [[{ temperature }]]));
  });

  test('cut off between two pieces, it sends those that did not leave at the next such event, and no other', () => {
    const { environment, server, commitTexts } = setUp();
    server.answerWith(() => held().answer);
    commitTexts(...Array(9).fill(5 * KIB));
    const send = server.send.bind(server);
    server.send = (request) => {
      if (server.requests.length === 1) for (;;);
      const exchange = send(request);
      if (request.beacon !== undefined) request.beacon.dispatched = true;
      return exchange;
    };
    // As browsers do it: neither a `catch` nor a `finally` is run.
    const run = (): void => environment.dispatch('pagehide');
    expect(() => runInNewContext('run()', { run }, { timeout: 300 })).toThrow(/timed out/);
    server.send = send;
    environment.dispatch('pagehide');
    const pieces = piecesOf(server.requests);
    expect(pieces[0]).toBe('abc');
    expect(pieces.join('')).toBe('abcdefghi');
  });
});
