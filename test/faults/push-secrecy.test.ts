import { describe, expect, test } from 'vitest';
import { type Api, type ApiOptions, webStorage } from '../../src/index.js';
import { SENTINEL_KEY as KEY, leaksIn, renderings } from '../support/assertions/sentinel.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { credentials } from '../support/builders/credentials.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FakeServer, received } from '../support/fakes/fake-server.js';
import { FakeLocks, FakeWebStorage } from '../support/fakes/fake-web.js';

const MESSAGES = [
  `The key ${KEY} may not do this.`,
  KEY.toUpperCase(),
  `${'x'.repeat(280)} ${KEY}`,
  `${KEY}${KEY}${'x'.repeat(500)}`,
];

/** An `Api` that pushes automatically, and all that can be seen of it but its requests. */
function openWatched(options: Partial<ApiOptions> = {}) {
  const clock = new FakeClock();
  const server = new FakeServer();
  const environment = new FakeEnvironment();
  const localStorage = new FakeWebStorage();
  const storage = webStorage(localStorage, {}, { locks: new FakeLocks().tab() });
  const api = openApi(
    { apiKey: KEY, storage, autoPush: { everySeconds: 0 }, onRefusedCredentials: 'keep', ...options },
    { clock, transport: server, environment },
  );
  const seen: unknown[] = [];
  for (const name of ['commit', 'push', 'retry', 'discard', 'quarantine', 'adopt', 'warning', 'error'] as const)
    api.on(name, (event) => seen.push([name, event]));
  api.subscribe(() => seen.push(api.status()));
  const look = (): string =>
    [renderings(seen), renderings(api.quarantined()), renderings(api.status()), ...[...localStorage.items].flat()].join(
      '\n',
    );
  return { api, clock, server, environment, localStorage, seen, look };
}

/** Refuses each request with the value 1 in it, with that message. */
const refuseOne =
  (message: string, status = 400) =>
  ({ body = '' }): ReturnType<typeof received> =>
    body.includes('"temperature":1}') ? received(status, { message }) : received(200);

const namesOf = (seen: readonly unknown[]): unknown[] => seen.map((one) => (Array.isArray(one) ? one[0] : 'status'));

describe('a server that repeats the key', () => {
  test.each(MESSAGES)(
    'F34 as it refuses one entry: it is neither in the quarantine nor in the storage (%#)',
    async (message) => {
      const { api, clock, server, seen, look } = openWatched();
      server.answerWith(refuseOne(message));
      commitEach(api, 0, 1, 2);
      await clock.advance(1000);
      expect(api.quarantined()).toHaveLength(1);
      expect(namesOf(seen)).toContain('quarantine');
      expect(api.quarantined()[0]?.reason).toBe('Bad request: 400');
      expect(leaksIn(look())).toEqual([]);
    },
  );

  test.each([401, 404, 413, 429, 503])('F34 as automatic pushes fail with %i: it is in no event', async (status) => {
    const { api, clock, server, seen, look } = openWatched();
    let answers = 0;
    server.answerWith(() => received(status, { message: MESSAGES[answers++ % MESSAGES.length] }));
    commitEach(api, 0, 1, 2);
    await clock.advance(7_200_000);
    expect(namesOf(seen)).toContain('error');
    if (status !== 401) expect(namesOf(seen)).toContain('retry');
    expect(leaksIn(look())).toEqual([]);
  });

  test('F34 as a page goes away, and as close() drains', async () => {
    const { api, clock, server, environment, look } = openWatched({ flushOnHide: true, autoPush: false });
    server.answerWith(() => received(503, { message: KEY }));
    commitEach(api, 1);
    environment.dispatch('hidden');
    await clock.advance(1000);
    const failure = api.close({ push: true }).catch((error: unknown) => renderings(error));
    await clock.advance(10_000);
    expect(leaksIn(`${await failure}${look()}`)).toEqual([]);
  });

  test.each([400, 401, 404, 429, 503])(
    'F34 that was changed by setApiKey since: it is nowhere either (%i)',
    async (status) => {
      const { api, clock, server, look } = openWatched();
      api.setApiKey(credentials.apiKey);
      server.answerWith(refuseOne(`${KEY} is no longer valid.`, status));
      commitEach(api, 0, 1, 2);
      await clock.advance(4_000_000);
      const exceptions = await Promise.all([
        api.push().catch((error: unknown) => renderings(error)),
        api.get('a').catch((error: unknown) => renderings(error)),
      ]);
      expect(leaksIn(exceptions.join() + look())).toEqual([]);
    },
  );

  test('F34 that was another run’s own: it is neither in adopted entries nor in stored ones', async () => {
    const locks = new FakeLocks();
    const localStorage = new FakeWebStorage();
    const clock = new FakeClock();
    const open = (apiKey: string): { api: Api; server: FakeServer } => {
      const server = new FakeServer();
      const storage = webStorage(localStorage, {}, { locks: locks.tab() });
      return { api: openApi({ apiKey, storage }, { clock, transport: server }), server };
    };
    // This run has a key of its own, and the answer holds the sentinel.
    const { api, server } = open(credentials.apiKey);
    server.answerWith(refuseOne(`Use ${KEY}.`));
    commitEach(api, 0, 1, 2);
    await api.push().catch(() => {});
    await api.close();
    const next = open(KEY).api;
    await clock.advance(5000);
    expect(next.quarantined()).toHaveLength(1);
    expect(leaksIn(renderings(next.quarantined()))).toEqual([]);
  });
});
