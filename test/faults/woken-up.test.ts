import { describe, expect, test } from 'vitest';
import { Api, type ApiOptions, webStorage } from '../../src/index.js';
import { expectBadLuck, pushFailure } from '../support/assertions/rejections.js';
import { commitEach } from '../support/builders/api.js';
import { credentials } from '../support/builders/credentials.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeServer, held, received } from '../support/fakes/fake-server.js';
import { FakeWebStorage } from '../support/fakes/fake-web.js';

const MINUTE = 60_000;

const valuesOf = (api: Api): unknown[] => api.log().map(({ values }) => values[0]?.value);

/** An origin on plain http: each of its pages has a clock of its own, which stands still while the page is frozen. */
class PlainOrigin {
  readonly localStorage = new FakeWebStorage();
  readonly server = new FakeServer();

  open(options: Partial<ApiOptions> = {}, server = this.server): { api: Api; clock: FakeClock } {
    const clock = new FakeClock();
    const storage = webStorage(this.localStorage, {}, { page: new EventTarget() });
    return { api: new Api({ ...credentials, storage, ...options }, { clock, transport: server }), clock };
  }

  /** The values that the server stored. */
  get delivered(): unknown[] {
    return this.server.uploads.flat().map((values) => Object.values((values as object[])[0] ?? {})[0]);
  }
}

/** A page that committed 1, 2 and 3 and was frozen then, and one that has taken that over since. */
async function freeze(origin: PlainOrigin) {
  const frozen = origin.open();
  const awake = origin.open();
  await Promise.all([frozen.clock.advance(5000), awake.clock.advance(5000)]);
  commitEach(frozen.api, 1, 2, 3);
  await awake.clock.advance(5 * MINUTE);
  expect(valuesOf(awake.api)).toEqual([1, 2, 3]);
  return { frozen, awake };
}

describe('F28 a page on plain http that was frozen for minutes, and fenced', () => {
  test('sends no entry that another page sends, and gets a warning', async () => {
    const origin = new PlainOrigin();
    const { frozen, awake } = await freeze(origin);
    await awake.api.push();
    await frozen.clock.advance(5 * MINUTE);
    expect(await frozen.api.push()).toEqual({ pushed: 0, requests: 0, expired: 0 });
    expect(frozen.api.status().warnings).toMatchObject([{ code: 'taken-over' }]);
    expect(origin.delivered).toEqual([1, 2, 3]);
  });

  test('sends nothing of it though it pushes in the moment that it wakes up: bad luck, which says so', async () => {
    const origin = new PlainOrigin();
    const { frozen, awake } = await freeze(origin);
    await awake.api.push();
    expectBadLuck(await pushFailure(frozen.api.push()));
    expect(origin.delivered).toEqual([1, 2, 3]);
  });

  test('saves and sends what it commits then, as its own', async () => {
    const origin = new PlainOrigin();
    const { frozen, awake } = await freeze(origin);
    commitEach(frozen.api, 4);
    expect(valuesOf(frozen.api)).toEqual([4]);
    await awake.api.push();
    await frozen.api.push();
    expect(origin.delivered).toEqual([1, 2, 3, 4]);
  });

  test('loses nothing of what it commits then, should it crash', async () => {
    const origin = new PlainOrigin();
    const { frozen, awake } = await freeze(origin);
    commitEach(frozen.api, 4);
    await awake.clock.advance(5 * MINUTE);
    await awake.api.push();
    expect(origin.delivered.sort()).toEqual([1, 2, 3, 4]);
  });

  test('doubles one batch at most, where it was frozen while that was on its way', async () => {
    const origin = new PlainOrigin();
    const { answer, give } = held();
    const silent = new FakeServer(() => answer);
    const frozen = origin.open({ maxEntriesPerRequest: 2, requestTimeout: 600 }, silent);
    const awake = origin.open();
    await Promise.all([frozen.clock.advance(5000), awake.clock.advance(5000)]);
    commitEach(frozen.api, 1, 2, 3, 4);
    const push = frozen.api.push();
    await awake.clock.advance(5 * MINUTE);
    await awake.api.push();
    expect(origin.delivered).toEqual([1, 2, 3, 4]);
    // The server had stored it, and the answer waited as long as the page was frozen.
    give(received(200));
    expectBadLuck(await pushFailure(push));
    await frozen.clock.advance(5 * MINUTE);
    await frozen.api.push();
    expect(silent.uploads.flat()).toHaveLength(2);
    expect(frozen.api.status().committed).toBe(0);
  });
});

describe('F28 a page on plain http that was frozen and fenced while a bad entry was being isolated', () => {
  const refusesOdd: ConstructorParameters<typeof FakeServer>[0] = ({ body = '' }) =>
    received(/"temperature":\d*[13579]}/.test(body) ? 400 : 200);

  test('and what was in quarantine already, is another’s: it is neither shown nor restored here any more', async () => {
    const origin = new PlainOrigin();
    const frozen = origin.open({}, new FakeServer(refusesOdd));
    const awake = origin.open();
    await Promise.all([frozen.clock.advance(5000), awake.clock.advance(5000)]);
    commitEach(frozen.api, 0, 1, 2, 3);
    await pushFailure(frozen.api.push());
    expect(frozen.api.quarantined()).toHaveLength(2);
    await awake.clock.advance(5 * MINUTE);
    expect(awake.api.quarantined()).toHaveLength(2);
    await frozen.clock.advance(MINUTE);
    expect(frozen.api.quarantined()).toEqual([]);
    expect(frozen.api.status()).toMatchObject({ quarantined: 0, warnings: [{ code: 'taken-over' }] });
    const restored = awake.api.restore(awake.api.quarantined());
    expect(restored).toHaveLength(2);
  });

  test.each([
    ['quarantine', 400],
    ['discard', 401],
  ] as const)('quarantines and discards no entry of another page (%s)', async (event, status) => {
    const origin = new PlainOrigin();
    const { answer, give } = held();
    const isAlone = (body = ''): boolean => body.match(/"timestamp"/g)?.length === 1;
    const server = new FakeServer((request) =>
      isAlone(request.body) && request.body?.includes('"temperature":1}') ? answer : refusesOdd(request),
    );
    const frozen = origin.open({ requestTimeout: 600 }, server);
    const awake = origin.open();
    const events: unknown[] = [];
    frozen.api.on(event, (one) => events.push(one));
    await Promise.all([frozen.clock.advance(5000), awake.clock.advance(5000)]);
    commitEach(frozen.api, 0, 1, 2, 4);
    const push = frozen.api.push();
    await frozen.clock.advance(0);
    await awake.clock.advance(5 * MINUTE);
    const taken = valuesOf(awake.api);
    expect(taken).toContain(1);
    give(received(status));
    const exception = await pushFailure(push);
    expect(exception).toMatchObject({ quarantined: [], discarded: [], retainedData: true });
    expect(events).toEqual([]);
    expect(frozen.api.quarantined()).toEqual([]);
    expect(valuesOf(awake.api)).toEqual(taken);
    await awake.api.push();
    expect(origin.delivered).toEqual(taken);
  });
});
