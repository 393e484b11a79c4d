import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../simulation/random.js';
import { SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { finished, open } from './asked.js';
import { type Ask, get, push, testConnection, watch } from './asks.js';
import { makeBodies } from './body-corpus.js';
import { broken, expectNoKey } from './expectations.js';
import { fuzz } from './fuzz.js';
import { mutate, mutateJson, pick } from './mutate.js';
import { answerOf, cut, WITHOUT_BODY } from './responses.js';

const bodies = await makeBodies();

const DICTIONARY = [
  ...['{"data":', '"servertime":', '"values":', '[', ']', '{', '}', '"message":', 'null', 'true', '"', ',', ':', '""'],
  ...[
    '"value":',
    '"timestamp":',
    '"temperature":{"value":1,"timestamp":1}',
    '"__proto__":',
    '\\ud800',
    '\\u0000',
    '\0',
  ],
  ...['<', '<html>', '<!--', '\ufeff', ' ', '\n', '\u2028', SENTINEL_KEY, SENTINEL_KEY.toUpperCase(), '$&'],
].map((word) => Buffer.from(word).toString('latin1'));

const STATUSES = [
  ...[201, 202, 203, 204, 206, 299, 0, 301, 302, 304, 307, 999],
  ...[400, 401, 403, 404, 405, 407, 408, 409, 410, 413, 414, 418, 422, 425, 429, 499, 500, 502, 503, 504, 511, 599],
];
const TYPES = [
  'application/json',
  'application/json',
  'text/plain',
  'text/html; charset=utf-8',
  'application/xhtml+xml',
  '',
];
const WAITS = ['120', '-5', '1e12', 'Wed, 21 Oct 2026 07:28:00 GMT', 'soon', ''];

/** Of promises that nobody waits for. */
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

const ASKS: readonly Ask[] = [push, push, get, get, testConnection, watch];

fuzz('server bodies', 'test/fuzz/server-bodies.test.ts', tryBody, [
  ...['push: stored', 'push: credentials refused', 'push: refused', 'push: bad luck'],
  ...['get: readings', 'get: not readings', 'get: refused', 'get: bad luck'],
  ...['test: reachable', 'test: not reachable', 'watch: readings', 'watch: refused', 'watch: waits'],
]);

async function tryBody(random: Random, tell: (input: unknown) => void): Promise<string> {
  const bytes = mutateBody(random);
  const status = random() < 0.4 ? 200 : pick(STATUSES, random);
  const headers = {
    'content-type': headerOf(TYPES, random),
    'retry-after': headerOf(WAITS, random),
    date: headerOf(WAITS, random),
  };
  const isCut = random() < 0.05;
  const pieces = cut(bytes, random);
  const ask = pick(ASKS, random);
  tell({ ask: ask.name, status, headers, isCut, pieces });
  const respond = (): Response => answerOf(status, headers, pieces, isCut);
  const hasBody = !WITHOUT_BODY.has(status);
  const text = hasBody ? new TextDecoder().decode(Buffer.from(bytes, 'latin1')) : '';
  const answered = { status, text, isCut: isCut && hasBody };
  const asked = open(random, respond, answered);
  const { api } = asked;
  const queued = api.log();
  const sort = await ask(asked);
  if (ask !== push && !isDeepStrictEqual(api.log(), queued)) broken('I1', 'a question changed the queue');
  asked.heal();
  const left = api.log().length;
  if ((await finished(asked, api.push()))?.pushed !== left || api.status().committed > 0)
    broken('I6', 'it does not go on');
  for (const { timestamp, values } of queued.slice(0, left)) {
    const text = JSON.stringify({ timestamp, values: values.map(({ fieldId, value }) => ({ [fieldId]: value })) });
    if (!asked.requests.some((body) => body.includes(text))) broken('I2', `it sent ${asked.requests.join()}`);
  }
  await api.close();
  if (asked.timers() > 0) broken('I7', 'timers are left');
  for (const { message } of api.status().warnings) expectNoKey(message);
  if (unhandled.length > 0) broken('I8', `a rejection that nobody handled: ${String(unhandled.pop())}`);
  return sort;
}

function mutateBody(random: Random): string {
  const [body, other] = [pick(bodies, random), pick(bodies, random)];
  // Else hardly anything would be JSON any more.
  const changed = random() < 0.5 ? mutateJson(body, random) : undefined;
  return changed ?? mutate(body, random, { dictionary: DICTIONARY, other, bits: 8 });
}

function headerOf(texts: readonly string[], random: Random): string {
  const text = pick(texts, random);
  if (random() < 0.5) return text;
  return mutate(text, random, { dictionary: DICTIONARY, other: pick(texts, random), bits: 8 }).replace(/[^ -~]/g, '?');
}
