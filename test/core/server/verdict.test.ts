import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redact } from '../../../src/core/model/foreign-text.js';
import type { FailedExchange, ReceivedResponse } from '../../../src/core/ports/transport.js';
import { judge, type Verdict } from '../../../src/core/server/verdict.js';
import { leaksIn, SENTINEL_KEY } from '../../support/assertions/sentinel.js';

const context = {
  redact: (text: string): string => redact(text, [SENTINEL_KEY]),
  isInsecure: false,
  timeoutSeconds: 10,
  now: 1_795_349_662_000,
  isOnline: true,
};

const answer = (status: number, body = '', more: Partial<ReceivedResponse> = {}): ReceivedResponse => ({
  received: true,
  status,
  body,
  contentType: undefined,
  retryAfter: undefined,
  date: undefined,
  ...more,
});

const EVERY_STATUS = [0, ...Array.from({ length: 900 }, (_, index) => 100 + index)];

/** The verdict on a status whose body is not HTML. */
function kindOf(status: number): Verdict['kind'] {
  if ([200, 201, 202, 204].includes(status)) return 'stored';
  if ([401, 403].includes(status)) return 'unauthorized';
  if (status === 413) return 'too-large';
  if ([400, 422].includes(status)) return 'invalid-entries';
  if ([407, 408, 425, 429].includes(status)) return 'transient';
  if (status >= 400 && status <= 499) return 'rejected';
  return 'transient';
}

const KINDS = EVERY_STATUS.map((status) => [status, kindOf(status)]);
const kindsWith = (body: string, contentType?: string) =>
  EVERY_STATUS.map((status) => [status, judge(answer(status, body, { contentType }), context).kind]);

const PAGES = [
  '<!doctype html><title>Sign in</title>',
  '\n <HTML>',
  '\ufeff<html>',
  '\ufffd\ufffd<\0!\0d\0o\0c\0t\0y\0p\0e\0',
  '\ufffd\ufffd\0 \0<\0h\0t\0m\0l',
  '<!-- a --> <!-- b -- c --><html>',
  '<?xml version="1.0"?><html/>',
  '<center>nginx</center>',
];

describe('every status', () => {
  test('is judged by the table where no HTML came', () => {
    expect(kindsWith('{"data":{}}')).toEqual(KINDS);
  });

  test.each(PAGES)(
    'F41 keeps its meaning with the page %j, but for a success or a rejection, which are transient',
    (body) => {
      expect(kindsWith(body, 'text/html')).toEqual(
        EVERY_STATUS.map((status) => [status, status === 413 ? 'too-large' : 'transient']),
      );
    },
  );

  test.each(PAGES)('F6 is named a page where %j came as a success or a rejection', (body) => {
    for (const status of [200, 201, 204, 302, 400, 401, 403, 404, 422]) {
      const verdict = judge(answer(status, body), context);
      expect(verdict.message).toMatch(/^Bad luck: .*HTML/);
      expect(verdict.status).toBe(status);
    }
  });

  test.each([
    ['JSON that is labelled HTML', '{"message":"no"}', 'text/html; charset=utf-8'],
    ['an empty body that is labelled HTML', '', 'text/html'],
    ['JSON that is labelled XHTML', '{}', 'application/xhtml+xml'],
    ['JSON that holds HTML', '{"message":"<html>"}', 'application/json'],
    ['text that begins with a bracket', '<3', 'text/plain'],
    ['text that speaks of HTML', 'text/html <html>', undefined],
    ['a comparison', '< html', undefined],
    ['a type that only holds the word', '{}', 'application/json; profile="text/html"'],
  ])('F41 is judged by the table where %s came', (_name, body, contentType) => {
    expect(kindsWith(body, contentType)).toEqual(KINDS);
  });

  test('that is not stored has a message of its kind and advice; stored has none', () => {
    for (const status of EVERY_STATUS) {
      const { kind, message, advice } = judge(answer(status, '{"message":"Oh."}'), context);
      if (kind === 'stored') expect([status, message, advice]).toEqual([status, '', '']);
      else if (kind === 'transient') expect(message).toMatch(/^Bad luck: \S/);
      else expect([status, message]).toEqual([status, 'Bad request: Oh.']);
      if (kind !== 'stored') expect(advice).not.toBe('');
    }
  });
});

describe('the message of an answer', () => {
  test.each([
    [400, 'Bad request: Oh', /Check baseUrl, the field ids and the values/],
    [401, 'Bad request: Oh', /Check the Device ID and the API Key.*setApiKey\(\)/],
    [403, 'Bad request: Oh', /Check the Device ID and the API Key.*setApiKey\(\)/],
    [404, 'Bad request: Oh', /Check baseUrl, the field ids and the values/],
    [413, 'Bad request: Oh', /Lower maxBytesPerRequest or maxEntriesPerRequest/],
    [422, 'Bad request: Oh', /Check baseUrl, the field ids and the values/],
    [429, 'Bad luck: the server answered 429: Oh.', /Wait, for retryAfter seconds/],
    [407, 'Bad luck: the server answered 407: Oh.', /asks for a sign-in/],
    [500, 'Bad luck: the server answered 500: Oh.', /not the content of the request\. Try again later/],
    [502, 'Bad luck: the server answered 502: Oh.', /server behind the proxy at baseUrl is down/],
    [503, 'Bad luck: the server answered 503: Oh.', /server behind the proxy at baseUrl is down/],
    [504, 'Bad luck: the server answered 504: Oh.', /server behind the proxy at baseUrl is down/],
    [511, 'Bad luck: the server answered 511: Oh.', /asks for a sign-in/],
    [304, 'Bad luck: the server answered 304: Oh.', /not the content of the request\. Try again later/],
    [307, 'Bad luck: the server answered with a redirect (307), which is not followed.', /set baseUrl to the address/],
    [0, 'Bad luck: the server answered with a redirect, which is not followed.', /set baseUrl to the address/],
  ])('of %i: what happened and what to do', (status, message, advice) => {
    const verdict = judge(answer(status, '{"message":"Oh"}'), context);
    expect(verdict.message).toBe(message);
    expect(verdict.advice).toMatch(advice);
  });

  test('without a message: only its status', () => {
    expect(judge(answer(503), context).message).toBe('Bad luck: the server answered 503.');
  });

  test.each([
    [200, /captive portal.*Sign in to the network or check baseUrl/],
    [401, /asks for a sign-in/],
    [403, /asks for a sign-in/],
    [400, /A firewall, a proxy or a wrong baseUrl answered/],
    [404, /A firewall, a proxy or a wrong baseUrl answered/],
  ])('of %i with a page: what may have sent it, and its status', (status, expected) => {
    const { message, advice } = judge(answer(status, '<html>'), context);
    expect(message).toBe(`Bad luck: an HTML page came back (status ${status}), not the NikDev IoT server's answer.`);
    expect(advice).toMatch(expected);
  });

  test.each([429, 502, 503, 504])('F41 of %i with a page: its status, and nothing of captive portals', (status) => {
    const { message, advice } = judge(answer(status, '<html>'), context);
    expect(message).toBe(`Bad luck: the server answered ${status}.`);
    expect(advice).not.toContain('portal');
  });

  test.each([200, 302, 401, 404, 413, 422, 429, 503])('of %i: how long the server asks to wait', (status) => {
    expect(judge(answer(status, '', { retryAfter: '120' }), context).retryAfter).toBe(120);
    expect(judge(answer(status, '<html>', { retryAfter: '120' }), context).retryAfter).toBe(120);
  });
});

const REASONS: readonly FailedExchange['reason'][] = [
  'timeout',
  'aborted',
  'unreachable',
  'cut-off',
  'interrupted',
  'too-long',
  'blocked-port',
  'fault',
];

describe('the content is suspected', () => {
  const isSuspect = (status: number, body = ''): boolean => judge(answer(status, body), context).suspect === 'content';
  const is4xx = (status: number): boolean => status >= 400 && status <= 499;
  const isOf5xx = (status: number): boolean => status >= 500 && status <= 599;

  test('after 413, 5xx and every 4xx that is neither of the moment, nor about credentials, nor bisected', () => {
    const excluded = [400, 401, 403, 408, 422, 425, 429];
    expect(EVERY_STATUS.filter((status) => isSuspect(status))).toEqual(
      EVERY_STATUS.filter((status) => isOf5xx(status) || (is4xx(status) && !excluded.includes(status))),
    );
  });

  test('after every 4xx with a page but those of the moment', () => {
    expect(EVERY_STATUS.filter((status) => isSuspect(status, '<html>'))).toEqual(
      EVERY_STATUS.filter((status) => isOf5xx(status) || (is4xx(status) && ![408, 425, 429].includes(status))),
    );
  });

  test('F42 after a time-out, and as a cut-off after a connection or a response that broke off', () => {
    const suspects = REASONS.map((reason) => [reason, judge({ received: false, reason }, context).suspect]);
    expect(Object.fromEntries(suspects)).toEqual({
      ...Object.fromEntries(REASONS.map((reason) => [reason, undefined])),
      timeout: 'content',
      'cut-off': 'cut-off',
      interrupted: 'cut-off',
    });
  });

  test('F42 as a cut-off after a failure without details, as in pages, unless there is no network', () => {
    const opaque: FailedExchange = { received: false, reason: 'unreachable', isOpaque: true };
    expect(judge(opaque, context).suspect).toBe('cut-off');
    expect(judge(opaque, { ...context, isOnline: false }).suspect).toBeUndefined();
  });
});

describe('a whole answer that may be the server’s own', () => {
  test('is one with any status but that of a redirect', () => {
    const others = EVERY_STATUS.filter((status) => !judge(answer(status), context).answered);
    expect(others).toEqual(
      EVERY_STATUS.filter((status) => [0, 3].includes(Math.floor(status / 100)) && status !== 304),
    );
  });

  test('is not a page, nor a response that did not come or broke off', () => {
    expect(EVERY_STATUS.filter((status) => judge(answer(status, '<html>'), context).answered)).toEqual([]);
    for (const reason of REASONS) expect(judge({ received: false, reason, status: 200 }, context).answered).toBe(false);
  });
});

describe('the message of a rejection', () => {
  test.each([
    ['{"message":"Field x is unknown."}', 'Bad request: Field x is unknown.'],
    ['{"message":"  spaces  "}', 'Bad request:   spaces  '],
    ['{"message":"line\\nbreak","status":"error"}', 'Bad request: line break'],
    ['{"message":""}', 'Bad request: 400'],
    ['{"message":null}', 'Bad request: 400'],
    ['{"message":["a"]}', 'Bad request: 400'],
    ['{"Message":"a"}', 'Bad request: 400'],
    ['["message"]', 'Bad request: 400'],
    ['"message"', 'Bad request: 400'],
    ['null', 'Bad request: 400'],
    ['{"message":"a"', 'Bad request: 400'],
    ['Bad Request', 'Bad request: 400'],
    ['', 'Bad request: 400'],
  ])('of a 400 with %j is %j', (body, message) => {
    expect(judge(answer(400, body), context).message).toBe(message);
  });

  test.each([400, 401, 403, 404, 413, 422, 500, 503])('F34 of a %i that repeats the key is its status', (status) => {
    for (const key of [SENTINEL_KEY, SENTINEL_KEY.toUpperCase()]) {
      const { message, advice } = judge(answer(status, JSON.stringify({ message: `No ${key}, ${key}!` })), context);
      expect(leaksIn(message + advice)).toEqual([]);
      expect(message).not.toContain('No ');
      expect(message).toContain(String(status));
    }
  });
});

describe('no answer', () => {
  test.each<[FailedExchange['reason'], (number | undefined)[]]>([
    ['timeout', [undefined, ...EVERY_STATUS]],
    ['aborted', [undefined, ...EVERY_STATUS]],
    ['unreachable', [undefined]],
    ['interrupted', EVERY_STATUS],
    ['too-long', EVERY_STATUS],
  ])('%s is bad luck, whatever status was seen', (reason, statuses) => {
    for (const status of statuses) {
      const verdict = judge({ received: false, reason, ...(status !== undefined && { status }) }, context);
      expect(verdict.kind).toBe('transient');
      expect(verdict.message).toMatch(/^Bad luck: \S/);
      expect(verdict.message).not.toContain('undefined');
      expect(verdict.status).toBe(status);
      expect(verdict.advice).not.toBe('');
    }
  });

  test('in time says how long that was', () => {
    expect(judge({ received: false, reason: 'timeout' }, context).message).toMatch(/\b10 s\b/);
  });

  test("says the platform's code; without one it may be CORS", () => {
    const unreachable = { received: false, reason: 'unreachable' } as const;
    expect(judge({ ...unreachable, code: 'ECONNREFUSED' }, context).message).toContain('ECONNREFUSED');
    expect(judge(unreachable, context).message).toContain('CORS');
  });

  test.each<[FailedExchange, string, RegExp]>([
    [{ received: false, reason: 'timeout' }, 'no complete answer came within 10 s', /raise requestTimeout/],
    [{ received: false, reason: 'aborted' }, 'the request was aborted before its answer came', /^The network or/],
    [
      { received: false, reason: 'too-long', status: 200 },
      "the answer (status 200) is longer than any of the NikDev IoT server's",
      /^The network or/,
    ],
    [{ received: false, reason: 'interrupted', status: 200 }, 'the answer (status 200) broke off', /^The network or/],
    [
      { received: false, reason: 'unreachable' },
      'the server could not be reached, or, in a page, does not allow the request (CORS)',
      /^Check the connection and baseUrl.* In a page, check too .*CORS headers/,
    ],
  ])('%o says what happened and what to do', (answer, what, advice) => {
    const verdict = judge(answer, context);
    expect(verdict.message).toBe(`Bad luck: ${what}.`);
    expect(verdict.advice).toMatch(advice);
  });

  test.each([
    ['ENOTFOUND', /^The host name could not be resolved/],
    ['EAI_AGAIN', /^The host name could not be resolved/],
    ['ERR_DNS_FAILED', /^The host name could not be resolved/],
    ['EMFILE', /^Too many files are open/],
    ['ENFILE', /^Too many files are open/],
    ['ECONNREFUSED', /^No server listens at this address/],
    ['ConnectionRefused', /^No server listens at this address/],
    ['CERT_HAS_EXPIRED', /^No secure connection/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /^No secure connection/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /^No secure connection/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /^No secure connection/],
    ['ERR_TLS_HANDSHAKE_TIMEOUT', /^No secure connection/],
    ['EPROTO', /^No secure connection/],
    ['ECONNRESET', /^Check the connection and baseUrl/],
  ])('with the code %s names it and explains it, but does not mention pages', (code, advice) => {
    const verdict = judge({ received: false, reason: 'unreachable', code }, context);
    expect(verdict.message).toBe(`Bad luck: the server could not be reached (${code}).`);
    expect(verdict.advice).toMatch(advice);
    expect(verdict.advice).not.toContain('In a page');
  });
});

describe('judge', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 100 }),
    fc.json(),
    fc.string().map((message) => JSON.stringify({ message })),
    fc.constantFrom('<', '<!', '<!--', '<!-- ', '<?xml', '<!doctype', '{"message":', '\ud800', SENTINEL_KEY),
  );
  const header = fc.option(fc.oneof(text, fc.constantFrom('text/html', '120', '-1', '1e400', 'NaN')), {
    nil: undefined,
  });
  const received = fc.record({
    received: fc.constant(true as const),
    status: fc.oneof(fc.constantFrom(...EVERY_STATUS), fc.integer()),
    body: text,
    contentType: header,
    retryAfter: header,
    date: header,
  });

  test('never throws, and always ends in one of the six verdicts, without the key, with a delay in bounds', () => {
    fc.assert(
      fc.property(received, fc.oneof(fc.integer(), fc.double()), (answer, now) => {
        const verdict = judge(answer, { ...context, now });
        expect(['stored', 'transient', 'unauthorized', 'too-large', 'invalid-entries', 'rejected']).toContain(
          verdict.kind,
        );
        expect(verdict.message).toMatch(verdict.kind === 'stored' ? /^$/ : /^Bad (luck|request): \S|^Bad request: /);
        expect(leaksIn(verdict.message + verdict.advice)).toEqual([]);
        expect(verdict.status).toBe(answer.status);
        if (verdict.retryAfter !== undefined) {
          expect(verdict.retryAfter).toBeGreaterThanOrEqual(1);
          expect(verdict.retryAfter).toBeLessThanOrEqual(3600);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['blanks', ' '.repeat(1_000_000)],
    ['comments', '<!---->'.repeat(150_000)],
    ['an open comment', `<!--${'-'.repeat(1_000_000)}`],
    ['half comments', '<!-- -'.repeat(150_000)],
    ['XML declarations', '<?xml '.repeat(150_000)],
    ['brackets', '['.repeat(1_000_000)],
  ])('is quick about a body of a megabyte of %s', (_name, body) => {
    const started = performance.now();
    expect(judge(answer(400, body), context).kind).not.toBe('stored');
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
