import { isDeepStrictEqual } from 'node:util';
import { Api, GetException, memoryStorage, PushException } from '../../src/index.js';
import { type Random, upTo } from '../simulation/random.js';
import { SimulatedTime, settled } from '../simulation/time.js';
import { FakeSurroundings } from '../support/fake-surroundings.js';
import { SENTINEL_KEY } from '../support/sentinel.js';
import { makeBodies } from './body-corpus.js';
import { type Answered, messageIn, readingsOf, verdictOf } from './body-model.js';
import { BASE_URL, DEVICES } from './devices.js';
import { broken, expectNoKey } from './expectations.js';
import { fuzz } from './fuzz.js';
import { mutate, mutateJson, pick } from './mutate.js';

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
  ...[400, 401, 403, 404, 405, 408, 409, 410, 413, 414, 418, 422, 425, 429, 499, 500, 502, 503, 504, 599],
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
const FIELDS = ['temperature', 'a,b', '__proto__', 'length'];

/** Of promises that nobody waits for. */
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

type Ask = (asked: Asked) => Promise<string>;

/** An `Api` with three entries queued, whose server answers the same each time. */
interface Asked {
  readonly api: Api;
  readonly answered: Answered;
  readonly time: SimulatedTime;
  readonly requests: string[];
  /** Lets the server store everything from now on. */
  heal(): void;
  /** How many timers are set. */
  timers(): number;
}

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
  const answered = { status, contentType: respond().headers.get('content-type'), text, isCut: isCut && hasBody };
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

function open(random: Random, respond: () => Response, answered: Answered): Asked {
  const time = new SimulatedTime();
  const requests: string[] = [];
  let isHealed = false;
  const fetch = async (request: Request): Promise<Response> => {
    requests.push(request.method === 'POST' ? await request.text() : request.url);
    return isHealed ? new Response('{"data":{}}') : respond();
  };
  const owner = {};
  const api = new Api(
    { deviceId: DEVICES[0], apiKey: SENTINEL_KEY, baseUrl: BASE_URL, storage: memoryStorage(), fetch },
    { clock: time.clockOf(owner, random), surroundings: new FakeSurroundings() },
  );
  for (const value of [21.5, 'on', false]) {
    api.addValue('a,b', value);
    api.commit();
  }
  const heal = (): void => {
    isHealed = true;
    requests.length = 0;
  };
  return { api, answered, time, requests, heal, timers: () => time.timersOf(owner) };
}

async function push(asked: Asked): Promise<string> {
  const { api, answered, requests } = asked;
  const queued = api.log();
  const verdict = verdictOf(answered);
  const { result, error } = await outcomeOf(asked, api.push());
  if (api.quarantined().length > 0) broken('I1', 'an entry is in quarantine, and none was accepted');
  if (verdict === 'stored') {
    if (result?.pushed !== 3 || requests.length !== 1 || api.log().length > 0)
      broken('I1', 'what was stored is not known as that');
    return 'push: stored';
  }
  if (!(error instanceof PushException)) broken('I1', `it did not tell that nothing was stored: ${String(error)}`);
  expectTold(error, answered);
  const isThrownAway = verdict === 'credentials refused';
  if (!isDeepStrictEqual(api.log(), isThrownAway ? [] : queued)) broken('I1', 'the queue is another');
  if (!isDeepStrictEqual(error.discarded, isThrownAway ? queued : []))
    broken('I1', 'what is thrown away is not what was queued');
  if (error.retainedData === isThrownAway) broken('I1', 'retainedData is wrong');
  if (requests.length > 20) broken('I7', `it took ${requests.length} requests`);
  return `push: ${verdict}`;
}

async function get(asked: Asked): Promise<string> {
  const { api, answered, time, requests } = asked;
  const verdict = verdictOf(answered);
  const { result, error } = await outcomeOf(asked, api.get(FIELDS));
  if (requests.length > 10) broken('I7', `it took ${requests.length} requests`);
  const expected = verdict === 'stored' ? readingsOf(answered.text, FIELDS, time.wall / 1000) : undefined;
  if (expected !== undefined) {
    if (!isDeepStrictEqual(result, expected)) broken('I2', `it read ${JSON.stringify(result)}, ${String(error)}`);
    return 'get: readings';
  }
  if (!(error instanceof GetException)) broken('I2', `it read ${JSON.stringify(result)}, ${String(error)}`);
  expectTold(error, answered);
  if (verdict === 'stored') return 'get: not readings';
  return verdict === 'bad luck' ? 'get: bad luck' : 'get: refused';
}

async function testConnection(asked: Asked): Promise<string> {
  const { api, answered, time } = asked;
  const { result, error } = await outcomeOf(asked, api.testConnection());
  if (result === undefined) broken('I8', `it threw ${String(error)}`);
  const { reachable, credentials, canRead, canWrite, latencyMilliseconds, clockSkewSeconds, advice } = result;
  expectNoKey(advice);
  const verdict = verdictOf(answered);
  const isRead = verdict === 'stored' && readingsOf(answered.text, [], time.wall / 1000) !== undefined;
  if (canWrite === true && verdict !== 'stored') broken('I2', 'it may write, it says');
  if (canRead === true && !isRead && answered.status !== 404) broken('I2', 'it may read, it says');
  if (credentials === true && canRead !== true && canWrite !== true) broken('I2', 'the credentials are known, it says');
  if (latencyMilliseconds !== undefined && !(latencyMilliseconds >= 0)) broken('I2', `latency ${latencyMilliseconds}`);
  if (clockSkewSeconds !== undefined && !Number.isSafeInteger(clockSkewSeconds))
    broken('I2', `skew ${clockSkewSeconds}`);
  return reachable ? 'test: reachable' : 'test: not reachable';
}

async function watch(asked: Asked): Promise<string> {
  const { api, answered, time } = asked;
  const readings = api.watch(FIELDS, { everySeconds: 10 });
  const verdict = verdictOf(answered);
  const expected = verdict === 'stored' ? readingsOf(answered.text, FIELDS, time.wall / 1000) : undefined;
  const next = readings.next();
  if (verdict === 'bad luck' || (verdict === 'stored' && expected === undefined)) {
    await settledAll();
    await readings.return?.();
    const { result, error } = await outcomeOf(asked, next);
    if (!result?.done) broken('I2', `it read ${JSON.stringify(result)}, ${String(error)}`);
    return 'watch: waits';
  }
  const { result, error } = await outcomeOf(asked, next);
  await readings.return?.();
  if (expected === undefined) {
    if (!(error instanceof GetException)) broken('I2', `it read ${JSON.stringify(result)}, ${String(error)}`);
    expectTold(error, answered);
    return 'watch: refused';
  }
  if (!isDeepStrictEqual(result?.value, expected)) broken('I2', `it read ${JSON.stringify(result)}, ${String(error)}`);
  return 'watch: readings';
}

/** That an exception says what happened, and nothing that it must not. */
function expectTold(exception: PushException | GetException, answered: Answered): void {
  const { message, advice, status, retryAfter, stack = '' } = exception;
  for (const text of [message, advice, stack]) expectNoKey(text);
  if (status !== answered.status) broken('I2', `the status, it says, is ${status}`);
  if (retryAfter !== undefined && !(retryAfter >= 1 && retryAfter <= 3600))
    broken('I7', `it is to wait for ${retryAfter} s`);
  const verdict = verdictOf(answered);
  if (verdict === 'stored' || verdict === 'bad luck') {
    if (!/^Bad luck: \S/.test(message)) broken('I2', `it says: ${message}`);
    return;
  }
  const said = messageIn(answered.text).replaceAll(new RegExp(SENTINEL_KEY, 'gi'), '<API Key>');
  if (message !== `Bad request: ${said || answered.status}`) broken('I2', `it says: ${message}`);
}

interface Outcome<Result> {
  readonly result?: Result;
  readonly error?: unknown;
}

async function outcomeOf<Result>(asked: Asked, promise: Promise<Result>): Promise<Outcome<Result>> {
  try {
    const result = await finished(asked, promise);
    return { result };
  } catch (error) {
    return { error };
  }
}

const MOST_TURNS = 200;

/** Waits in turns of the event loop, not in time. */
async function finished<Result>({ time }: Asked, promise: Promise<Result>): Promise<Result> {
  let isOver = false;
  const over = promise.finally(() => {
    isOver = true;
  });
  over.catch(() => {});
  for (let turns = 0; !isOver && turns < MOST_TURNS; turns++) await settled();
  // What waits for an answer may give up by now.
  if (!isOver) await time.advance(12_000);
  if (!isOver) broken('I6', 'it is not over');
  return over;
}

async function settledAll(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await settled();
}

const WITHOUT_BODY = new Set([204, 205, 304]);

/** `Response` itself can only be built with 200 to 599. */
function answerOf(
  status: number,
  headers: Record<string, string>,
  pieces: readonly string[],
  isCut: boolean,
): Response {
  const isBuildable = status >= 200 && status <= 599;
  const body = WITHOUT_BODY.has(status) ? null : bodyOf(pieces, isCut);
  const response = new Response(body, { status: isBuildable ? status : 200, headers });
  return isBuildable ? response : Object.defineProperty(response, 'status', { value: status });
}

function bodyOf(pieces: readonly string[], isCut: boolean): BodyInit {
  const [whole = ''] = pieces;
  if (pieces.length === 1 && !isCut) return Buffer.from(whole, 'latin1');
  const left = pieces.map((piece) => Buffer.from(piece, 'latin1'));
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = left.shift();
      if (piece !== undefined) controller.enqueue(piece);
      else if (isCut) controller.error(new TypeError('terminated'));
      else controller.close();
    },
  });
}

function mutateBody(random: Random): string {
  const [body, other] = [pick(bodies, random), pick(bodies, random)];
  // Else hardly anything would be JSON any more.
  const changed = random() < 0.5 ? mutateJson(body, random) : undefined;
  return changed ?? mutate(body, random, { dictionary: DICTIONARY, other, bits: 8 });
}

/** As it comes off the network: mostly at once. */
function cut(bytes: string, random: Random): string[] {
  const at = upTo(random, bytes.length);
  return random() < 0.2 ? [bytes.slice(0, at), bytes.slice(at)] : [bytes];
}

function headerOf(texts: readonly string[], random: Random): string {
  const text = pick(texts, random);
  if (random() < 0.5) return text;
  return mutate(text, random, { dictionary: DICTIONARY, other: pick(texts, random), bits: 8 }).replace(/[^ -~]/g, '?');
}
