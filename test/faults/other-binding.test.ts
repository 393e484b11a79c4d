import { describe, expect, test } from 'vitest';
import type { TransportRequest } from '../../src/core/ports/transport.js';
import type { Api, ApiOptions } from '../../src/index.js';
import { commitEach } from '../support/builders/api.js';
import { API_KEY, DEVICE_ID } from '../support/builders/credentials.js';
import { PLACES, type Place } from '../support/fakes/places.js';

const OTHER_DEVICE = '33333333-3333-4333-8333-333333333333';
const OTHER_KEY = '44444444-4444-4444-8444-444444444444';
const OURS = 'https://iot.nik-dev.se/api/v1/';
const OTHER_SERVER = 'https://elsewhere.example/api/v1/';

const OTHERS: readonly (readonly [what: string, options: Partial<ApiOptions>])[] = [
  ['the device id changed', { deviceId: OTHER_DEVICE }],
  ['the server changed', { baseUrl: OTHER_SERVER }],
  ['both changed', { deviceId: OTHER_DEVICE, baseUrl: OTHER_SERVER }],
];

/** As long as an `Api` could need to take over what it may: the slowest way takes three minutes. */
const LONG = 600_000;

/** A run that committed two entries and staged a value before it ended. */
async function leaveQueued(place: Place): Promise<void> {
  const before = place.open();
  commitEach(before, 1, 2);
  before.addValue('temperature', 3);
  await place.clock.advance(0);
  place.crash(before);
}

const addressOf = ({ url, headers }: TransportRequest) => ({
  server: url.replace(/entries\/$/, ''),
  device: headers['x-device-id'],
});

const waitingOf = (api: Api) => api.status().warnings.filter(({ code }) => code === 'entries-waiting');

describe.each(PLACES)('F36 a queue in %s', (_where, makePlace) => {
  describe.each(OTHERS)('when %s', (_what, options) => {
    test('is not adopted by the new run, and sent to no server', async () => {
      const place = makePlace();
      await leaveQueued(place);
      const api = await place.reopen(options);
      await place.clock.advance(LONG);
      expect(api.status()).toMatchObject({ staged: 0, committed: 0 });
      await api.push();
      expect(place.server.requests).toEqual([]);
    });

    test('is reported once as waiting, with the device and the server that it waits for', async () => {
      const place = makePlace();
      await leaveQueued(place);
      const api = place.open(options);
      const warned: unknown[] = [];
      api.on('warning', (warning) => warned.push(warning));
      await place.clock.advance(LONG);
      expect(warned).toEqual([
        { code: 'entries-waiting', message: expect.stringMatching(new RegExp(`${DEVICE_ID}.*${OURS}`)) },
      ]);
      expect(waitingOf(api)).toEqual(warned);
    });

    test('is not mixed with what the new run commits', async () => {
      const place = makePlace();
      await leaveQueued(place);
      const api = await place.reopen(options);
      commitEach(api, 10);
      await api.push();
      expect(place.server.uploads).toEqual([[[{ temperature: 10 }]]]);
      expect(place.server.requests.map(addressOf)).toEqual([
        { server: options.baseUrl ?? OURS, device: options.deviceId ?? DEVICE_ID },
      ]);
    });

    test('survives the removals of the new run', async () => {
      const place = makePlace();
      await leaveQueued(place);
      const api = await place.reopen(options);
      commitEach(api, 10);
      api.resetUnpushedEntries();
      api.reset();
      await api.close();
      expect((await place.reopen()).status()).toMatchObject({ committed: 2 });
    });

    test('waits beside adopted entries, and is reported then too', async () => {
      const place = makePlace();
      await leaveQueued(place);
      const other = await place.reopen(options);
      commitEach(other, 10);
      place.crash(other);
      const api = await place.reopen(options);
      await place.clock.advance(LONG);
      expect(api.status().committed).toBe(1);
      expect(waitingOf(api)).toHaveLength(1);
    });

    test('is pushed once the device and the server are back, to where it was committed for', async () => {
      const place = makePlace();
      await leaveQueued(place);
      const between = await place.reopen(options);
      commitEach(between, 10);
      place.crash(between);
      const api = await place.reopen();
      await api.push();
      expect(place.server.uploads).toEqual([[[{ temperature: 1 }], [{ temperature: 2 }]]]);
      expect(place.server.requests.map(addressOf)).toEqual([{ server: OURS, device: DEVICE_ID }]);
    });
  });

  test('is the same queue for a device id in capitals and a server without its final slash', async () => {
    const place = makePlace();
    await leaveQueued(place);
    const api = await place.reopen({ deviceId: DEVICE_ID.toUpperCase(), baseUrl: OURS.slice(0, -1) });
    expect(api.status()).toMatchObject({ committed: 2, warnings: [] });
  });

  test('goes with the new key when the key was changed by setApiKey, and never again with the old one', async () => {
    const place = makePlace();
    const api = place.open();
    commitEach(api, 1, 2);
    api.setApiKey(OTHER_KEY);
    await api.push();
    commitEach(api, 3);
    await api.push();
    expect(place.server.uploads.flat()).toHaveLength(3);
    expect(place.server.requests.map(({ headers }) => headers)).toEqual([
      expect.objectContaining({ 'x-api-key': OTHER_KEY }),
      expect.objectContaining({ 'x-api-key': OTHER_KEY }),
    ]);
  });

  test('is adopted by a run that has another key, and sent with that key', async () => {
    const place = makePlace();
    await leaveQueued(place);
    const api = await place.reopen({ apiKey: OTHER_KEY });
    expect(api.status().warnings).toEqual([]);
    expect(await api.push()).toMatchObject({ pushed: 2 });
    expect(JSON.stringify(place.server.requests)).not.toContain(API_KEY);
  });
});
