import { isDeepStrictEqual } from 'node:util';
import { GetException, PushException } from '../../src/index.js';
import { type Asked, outcomeOf, settledAll } from './asked.js';
import { type Answered, messageIn, readingsOf, verdictOf } from './body-model.js';
import { broken, expectNoKey, shownText } from './expectations.js';

const FIELDS = ['temperature', 'a,b', '__proto__', 'length'];

/** Asks the server for something. @returns The outcome; throws if the outcome does not follow from the answer. */
export type Ask = (asked: Asked) => Promise<string>;

export async function push(asked: Asked): Promise<string> {
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

export async function get(asked: Asked): Promise<string> {
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

export async function testConnection(asked: Asked): Promise<string> {
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

export async function watch(asked: Asked): Promise<string> {
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
  const said = shownText(messageIn(answered.text), '');
  if (message !== `Bad request: ${said || answered.status}`) broken('I2', `it says: ${message}`);
}
