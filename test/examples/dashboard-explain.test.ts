import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  ApiException,
  ConfigException,
  GetException,
  isApiException,
  PushException,
  StorageException,
  ValueException,
  type Warning,
} from '../../src/index.js';
import { DEVELOPERS_WORDS } from '../support/browsers/dashboard.js';

const { explain, explainWarning, explainRefusal } = (await import(
  new URL('../../examples/dashboard/explain.js', import.meta.url).href
)) as {
  explain(error: unknown, consequence?: string): string;
  explainWarning(warning: Pick<Warning, 'code'>): string;
  explainRefusal(reason: string): string;
};

/** A new code does not compile until it is here, and fails until it has a sentence. */
const CODES: Readonly<Record<Warning['code'], true>> = {
  'compression-off': true,
  'entries-waiting': true,
  'insecure-url': true,
  'listener-failed': true,
  'queue-long': true,
  'storage-cleared': true,
  'storage-failed': true,
  'storage-opened-twice': true,
  'storage-unavailable': true,
  'taken-over': true,
  'unreadable-records': true,
  'unsafe-storage': true,
  'value-refused': true,
  'weak-ids': true,
};
const OF_A_NEW_KIND = explainWarning({ code: 'new' as Warning['code'] });

describe('the dashboard explains to somebody who looks at it', () => {
  beforeAll(() => {
    vi.stubGlobal('window', { NikDevIoT: { isApiException } });
  });
  afterAll(() => {
    vi.unstubAllGlobals();
  });

  test.each(Object.keys(CODES) as Warning['code'][])('the warning %s, in a sentence of its own', (code) => {
    const text = explainWarning({ code });
    expect(text).toMatch(/^[A-Z].*\.$/);
    expect(text).not.toMatch(DEVELOPERS_WORDS);
    expect(text).not.toContain(code);
  });

  test('a warning of a kind that it does not know, by its code', () => {
    expect(OF_A_NEW_KIND).toBe('Something needs the attention of this page’s owner (new).');
  });

  const ADVICE = 'Call restore() or setApiKey(); check status() and CORS.';
  test.each([
    [new StorageException("it is larger than webStorage's maxLength (10)", { advice: ADVICE }), /could not save/],
    [new StorageException('maxQueuedEntries (5) is reached', { advice: ADVICE, isFull: true }), /no space left/],
    [new ValueException('the value of "note" must be well-formed text'), /This value can’t be sent/],
    [new ApiException('This Api is closed: only status() and log() can be called.', ADVICE), /Reload it/],
    [new PushException('Bad luck: the server does not allow the request (CORS).', ADVICE), /can’t be reached/],
    [new GetException('Bad luck: the port of baseUrl is blocked.', ADVICE), /can’t be reached/],
    [new GetException('Bad request: No read access', ADVICE, { status: 403 }), /not admit this page: No read access/],
    [new PushException('Bad request: 413', ADVICE, { status: 413 }), /^The server answered 413\. Kept\.$/],
  ])('%o, with its consequence', (exception, expected) => {
    const text = explain(exception, 'Kept.');
    expect(text).toMatch(expected);
    expect(text).toMatch(/\. Kept\.$/);
    expect(text).not.toMatch(DEVELOPERS_WORDS);
  });

  test('a page that is not set up, to the one who sets it up', () => {
    expect(explain(new ConfigException('deviceId must be a UUID'))).toBe(
      'This page is not set up: deviceId must be a UUID.',
    );
  });

  test('a refused entry in the words of the server, or by the failures', () => {
    expect(explainRefusal('Bad request: Colder than it gets')).toBe('Colder than it gets');
    expect(explainRefusal('Bad request: 422')).toBe('The server answered 422');
    expect(explainRefusal('Bad luck: the server does not allow the request (CORS).')).toBe(
      'Requests with it fail, while others pass',
    );
  });
});
