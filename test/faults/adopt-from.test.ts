import { describe, expect, test } from 'vitest';
import type { Api } from '../../src/index.js';
import { commitEach } from '../support/builders/api.js';
import { DEVICE_ID } from '../support/builders/credentials.js';
import { FilePlace, PLACES, type Place } from '../support/fakes/places.js';

const FORMER = 'https://iot.nik-dev.se/api/v1/';
const NOW = { baseUrl: 'https://elsewhere.example/api/v1/' };
const OTHER_DEVICE = '33333333-3333-4333-8333-333333333333';

/** A run at the former server that committed two entries before it ended. */
async function leaveQueued(place: Place): Promise<void> {
  const before = place.open();
  commitEach(before, 1, 2);
  await place.clock.advance(0);
  place.crash(before);
}

const waitingOf = (api: Api) => api.status().warnings.filter(({ code }) => code === 'entries-waiting');

/** Awaits a promise that needs time to pass: less than the dead run, whose timers go on here, takes to look at its entries. */
async function after<Result>(place: Place, pending: Promise<Result>): Promise<Result> {
  const settled = pending.catch(() => {});
  await place.clock.advance(5000);
  await settled;
  return pending;
}

describe.each(PLACES)('F36 entries of the same device for another server in %s', (_where, makePlace) => {
  test('are adopted only deliberately, with their times, and their warning goes', async () => {
    const place = makePlace();
    await leaveQueued(place);
    const api = await place.reopen(NOW);
    expect(api.status()).toMatchObject({ committed: 0 });
    expect(waitingOf(api)).toHaveLength(1);
    const adoptions: unknown[] = [];
    api.on('adopt', (event) => adoptions.push(event));
    expect(await after(place, api.adoptFrom({ baseUrl: FORMER.slice(0, -1) }))).toEqual({ entries: 2 });
    expect(adoptions).toEqual([{ entries: 2, quarantined: 0, staged: 0 }]);
    expect(waitingOf(api)).toEqual([]);
    await api.push();
    expect(place.server.uploads).toEqual([[[{ temperature: 1 }], [{ temperature: 2 }]]]);
    expect(place.server.requests[0]?.url).toBe(`${NOW.baseUrl}entries/`);
    expect(await after(place, api.adoptFrom({ baseUrl: FORMER }))).toEqual({ entries: 0 });
  });

  test('are gone from where they were: no run at the former server sends them again', async () => {
    const place = makePlace();
    await leaveQueued(place);
    const api = await place.reopen(NOW);
    await after(place, api.adoptFrom({ baseUrl: FORMER }));
    const former = await place.reopen();
    expect(former.status().committed).toBe(0);
    expect(api.status().committed).toBe(2);
  });

  test('are never adopted for another device, nor from a run that lives', async () => {
    const place = makePlace();
    await leaveQueued(place);
    const other = await place.reopen({ ...NOW, deviceId: OTHER_DEVICE });
    expect(await after(place, other.adoptFrom({ baseUrl: FORMER }))).toEqual({ entries: 0 });
    const living = await place.reopen();
    await place.clock.advance(600_000);
    expect(living.status().committed).toBe(2);
    const api = await place.reopen(NOW);
    expect(await after(place, api.adoptFrom({ baseUrl: FORMER }))).toEqual({ entries: 0 });
    expect(living.status().committed).toBe(2);
  });
});

test('F36 entries of the same device in a folder are reported at ready, those of another device later', async () => {
  const place = new FilePlace();
  await leaveQueued(place);
  const other = await place.reopen({ deviceId: OTHER_DEVICE });
  expect(waitingOf(other)).toEqual([]);
  const fresh = new FilePlace();
  await leaveQueued(fresh);
  const api = await fresh.reopen(NOW);
  expect(waitingOf(api)).toMatchObject([{ message: expect.stringContaining(`${DEVICE_ID} at ${FORMER}`) }]);
});

test('adoptFrom refuses what is not the URL of a server, and a closed Api', async () => {
  const api = new FilePlace().open();
  for (const wrong of [undefined, {}, { baseUrl: 'ftp://a/' }, { url: FORMER }])
    await expect(api.adoptFrom(wrong as never)).rejects.toMatchObject({ name: 'ConfigException' });
  await api.close();
  await expect(api.adoptFrom({ baseUrl: FORMER })).rejects.toMatchObject({ name: 'ApiException' });
});
