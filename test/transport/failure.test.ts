import { isDeepStrictEqual } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { failureOf } from '../../src/transport/failure.js';

const caused = (code: string): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code }) });

import { loopbackServer } from '../support/servers/loopback-server.js';

describe('F57 a failed fetch', () => {
  test.each([
    'ECONNREFUSED',
    'ENOTFOUND',
    'UND_ERR_CONNECT_TIMEOUT',
    'ETIMEDOUT',
    'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
    'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
  ])('with %s as its cause is an unreachable server', (code) =>
    expect(failureOf(caused(code), '')).toEqual({ received: false, reason: 'unreachable', code }),
  );

  test.each(['null', 'undefined', 'null.example'])('to a host of the name %s is an unreachable server', (host) => {
    const failed = { received: false, reason: 'unreachable' };
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
    expect(failureOf(error, '')).toEqual({ ...failed, code: 'ENOTFOUND' });
    const message = `error sending request for url (https://${host}/null): no such host`;
    expect(failureOf(new TypeError(message), '')).toEqual({ ...failed, detail: 'no such host' });
  });

  test.each([
    'ECONNRESET',
    'EPIPE',
    'UND_ERR_SOCKET',
    'ERR_STREAM_PREMATURE_CLOSE',
    'ERR_HTTP2_STREAM_ERROR',
    'HPE_INVALID_CONSTANT',
    'HPE_HEADER_OVERFLOW',
    'UND_ERR_HEADERS_OVERFLOW',
  ])('with %s as its cause is cut off', (code) => {
    expect(failureOf(caused(code), '')).toEqual({ received: false, reason: 'cut-off', code });
    expect(failureOf(caused(code), '', 200)).toEqual({ received: false, reason: 'interrupted', code, status: 200 });
  });

  test.each(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])(
    "with %s, the platform's own time-out, timed out",
    (code) => {
      expect(failureOf(caused(code), '')).toMatchObject({ reason: 'timeout', code });
      expect(failureOf(caused(code), '', 200)).toMatchObject({ reason: 'timeout', code, status: 200 });
    },
  );

  test('of a signal of its own is a time-out, or aborted', () => {
    expect(failureOf(new DOMException('late', 'TimeoutError'), '')).toMatchObject({ reason: 'timeout' });
    expect(failureOf(new DOMException('no', 'AbortError'), '')).toMatchObject({ reason: 'aborted' });
  });

  test.each([
    'Failed to fetch',
    'NetworkError when attempting to fetch resource.',
    'Load failed',
    'Network request failed',
    'Network connection lost.',
  ])('that says only %j is opaque', (message) => {
    const opaque = { received: false, reason: 'unreachable', isOpaque: true };
    expect(failureOf(new TypeError(message), '8080')).toEqual(opaque);
    expect(failureOf(runInNewContext('new TypeError(message)', { message }), '8080')).toEqual(opaque);
  });

  test.each([
    ['client error (Connect): tcp connect error: Connection refused (os error 111)', 'unreachable'],
    ['client error (SendRequest): connection closed before message completed', 'cut-off'],
    ['Connection reset by peer (os error 104)', 'cut-off'],
  ])('that says %j in place of a code, as Deno does, is that', (detail, reason) => {
    const failed = { received: false, reason, detail };
    expect(failureOf(new TypeError('fetch failed', { cause: new Error(detail) }), '6000')).toEqual(failed);
    expect(failureOf(new TypeError(`error sending request for url (https://a.example/): ${detail}`), '6000')).toEqual(
      failed,
    );
  });

  test.each([
    [new ReferenceError('x is not defined'), 'ReferenceError: x is not defined'],
    [new TypeError('x is not a function'), 'TypeError: x is not a function'],
    [
      new TypeError("Cannot read properties of undefined (reading 'network')"),
      "TypeError: Cannot read properties of undefined (reading 'network')",
    ],
    [new TypeError('null is not an object (network)'), 'TypeError: null is not an object (network)'],
    [runInNewContext('new RangeError("far")'), 'RangeError: far'],
    [new TypeError('no header', { cause: new Error('invalid') }), 'TypeError: no header (invalid)'],
    [Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL' }), 'TypeError: Invalid URL'],
    [
      new TypeError('fetch failed', { cause: new ReferenceError('WebAssembly is not defined') }),
      'TypeError: fetch failed (WebAssembly is not defined)',
    ],
    ['a word', '"a word"'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Symbol('s'), 'Symbol(s)'],
    [{}, 'an object'],
    [Object.create(null), 'an object'],
    [{ message: 'no class' }, 'an object: no class'],
  ])('with %o is named as what it is', (thrown, text) => {
    expect(failureOf(thrown, '8080')).toEqual({
      received: false,
      reason: 'fault',
      detail: `fetch threw ${text}`,
      error: thrown,
    });
  });

  test('whose error throws when it is looked at is named anyway', () => {
    const error = Object.defineProperty({}, 'message', { get: () => JSON.parse('{') });
    expect(failureOf(error, '')).toMatchObject({
      received: false,
      reason: 'fault',
      detail: expect.stringMatching(/^fetch threw/),
    });
  });

  test('has no code of hexadecimal digits: they may be those of a key', () => {
    const [code, key] = ['abcdef0123456789abcdef0123456789', 'ABCDEF0123456789ABCDEF0123456789'];
    expect(failureOf(caused(code), '')).not.toHaveProperty('code');
    expect(failureOf(caused(key), '')).not.toHaveProperty('code');
    expect(failureOf(caused(`X_${key}`), '')).not.toHaveProperty('code');
  });

  test("of Node's fetch without any reason is an answer 407: a proxy asks for a sign-in", async () => {
    const { baseUrl } = await loopbackServer((_request, response) => response.writeHead(407).end('<html>'));
    const error = await fetch(baseUrl, { method: 'POST', body: '{}', redirect: 'manual' }).catch((reason) => reason);
    expect(failureOf(error, '')).toMatchObject({ received: true, status: 407, body: '' });
  });

  test('to a port that the fetch standard blocks names that; this platform blocks each of those ports', async () => {
    const ports = Array.from({ length: 65_535 }, (_, index) => String(index + 1));
    const failed = { received: false, reason: 'blocked-port' };
    const known = ports.filter((port) => isDeepStrictEqual(failureOf(new TypeError('Failed to fetch'), port), failed));
    const errors = await Promise.all(known.map((port) => fetch(`http://127.0.0.1:${port}/`).catch((error) => error)));
    expect(errors.map((error) => String(error.cause?.message))).toEqual(known.map(() => 'bad port'));
    expect(known).toHaveLength(82);
  });
});
