import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Api, type Entry, memoryStorage, StorageException } from '../../src/index.js';
import { storageExceptionOf } from '../support/assertions/rejections.js';
import { commitEach } from '../support/builders/api.js';
import { uploadedEntries } from '../support/builders/uploads.js';
import { FilePlace, type Place, WebPlace } from '../support/fakes/places.js';

const TEN_MEGABYTES = 'ü'.repeat(5_000_000);
/** Short enough for `localStorage`: 1.8 million units as text. */
const MANY = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`field ${index}`, index]));
/** Longer than what `localStorage` takes. */
const TOO_MANY = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`field ${index}`, 'x'.repeat(60)]));

const LARGE: readonly (readonly [what: string, values: Readonly<Record<string, string | number>>])[] = [
  ['a text of 10 MB', { text: TEN_MEGABYTES }],
  ['100,000 values', MANY],
  ['100,000 values of 60 characters', TOO_MANY],
];

/** The uploads, request by request: the values of each entry, by field. */
const uploadsOf = ({ server }: Place) =>
  server.requests.map(({ body }) => uploadedEntries(body ?? '').map(({ values }) => Object.fromEntries(values)));

describe.each(LARGE)('F32 an entry of %s', { timeout: 60_000 }, (_what, values) => {
  test('in memory: is pushed unchanged in a request of its own, and the entries around it too', async () => {
    const place = new WebPlace();
    const api = place.open({ storage: memoryStorage() });
    commitEach(api, 1);
    api.addValues(values);
    api.commit();
    commitEach(api, 2);
    await api.push();
    expect(uploadsOf(place)).toEqual([[{ temperature: 1 }], [values], [{ temperature: 2 }]]);
    expect(api.status()).toMatchObject({ committed: 0, bytes: 0 });
  });

  test('in a file: is there after a crash, and is pushed as it is, and those around it too', async () => {
    const place = new FilePlace();
    const before = place.open();
    commitEach(before, 1);
    before.addValues(values);
    before.commit();
    commitEach(before, 2);
    place.crash(before);
    const api = await place.reopen();
    expect(api.status()).toMatchObject({ committed: 3, warnings: [] });
    await api.push();
    expect(uploadsOf(place)).toEqual([[{ temperature: 1 }], [values], [{ temperature: 2 }]]);
  });

  test('staged and not committed, in a file: comes back after a crash, or not at all', async () => {
    const place = new FilePlace();
    const before = place.open();
    before.addValues(values);
    await place.clock.advance(0);
    place.crash(before);
    const api = await place.reopen();
    expect([undefined, values]).toContainEqual(api.commit()?.values.reduce(byField, {}));
  });
});

test('F32 an entry of 100,000 values fits into localStorage: is there after a crash, and is pushed as it is', {
  timeout: 60_000,
}, async () => {
  const place = new WebPlace();
  const before = place.open();
  before.addValues(MANY);
  before.commit();
  place.crash(before);
  const api = await place.reopen();
  await api.push();
  expect(uploadsOf(place)).toEqual([[MANY]]);
});

const TOO_LARGE = LARGE.filter(([, values]) => values !== MANY);

describe.each(TOO_LARGE)('F32 an entry of %s, too large for localStorage', { timeout: 60_000 }, (_what, values) => {
  function openWithQueue(options: Parameters<WebPlace['open']>[0] = {}): { place: WebPlace; api: Api } {
    const place = new WebPlace();
    const api = place.open(options);
    commitEach(api, 1, 2);
    api.addValues(values);
    return { place, api };
  }

  test('is refused, with what is full and what is safe, and stays staged', () => {
    const { api } = openWithQueue();
    const { message, advice } = storageExceptionOf(() => api.commit());
    expect(message).toMatch(/maxLength \(3000000\).*Still queued and safe: 2 .*still staged/);
    expect(advice).not.toBe('');
    expect(api.status()).toMatchObject({ staged: Object.keys(values).length, committed: 2 });
  });

  test('stops nothing once it is reset: what is queued goes, and what is committed then', async () => {
    const { place, api } = openWithQueue();
    storageExceptionOf(() => api.commit());
    api.reset();
    commitEach(api, 3);
    await api.push();
    expect(uploadsOf(place)).toEqual([[{ temperature: 1 }, { temperature: 2 }, { temperature: 3 }]]);
  });

  test('leaves what is queued to the next run, should this one crash', async () => {
    const { place, api } = openWithQueue();
    storageExceptionOf(() => api.commit());
    await place.clock.advance(0);
    place.crash(api);
    const next = await place.reopen();
    expect(next.log().map((entry) => entry.values[0]?.value)).toEqual([1, 2]);
    expect(next.status().warnings).toEqual([]);
  });

  test('drops nothing with "drop-oldest": it would not fit into an empty storage either', () => {
    const { api } = openWithQueue({ overflow: 'drop-oldest' });
    const dropped: Entry[] = [];
    api.on('discard', ({ entries }) => dropped.push(...entries));
    storageExceptionOf(() => api.commit());
    expect(dropped).toEqual([]);
    expect(api.status().committed).toBe(2);
  });
});

test('F32 entries of any lengths in a localStorage of any size: committed entries are delivered, refused values stay staged', async () => {
  const lengths = fc.array(fc.oneof(fc.nat(300), fc.nat(8000)), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(lengths, fc.integer({ min: 500, max: 8000 }), async (sizes, maxLength) => {
      const place = new WebPlace({ maxLength });
      const before = place.open();
      const committed: string[] = [];
      for (const [index, size] of sizes.entries()) {
        const text = `${index} ${'x'.repeat(size)}`;
        before.addValue('text', text);
        try {
          before.commit();
          committed.push(text);
        } catch (error) {
          expect(error).toBeInstanceOf(StorageException);
          expect(before.status().staged).toBe(1);
        }
      }
      before.reset();
      await place.clock.advance(0);
      place.crash(before);
      const api = await place.reopen();
      await api.push();
      expect(uploadsOf(place).flat()).toEqual(committed.map((text) => ({ text })));
    }),
    { numRuns: 50 },
  );
});

function byField(fields: Record<string, unknown>, { fieldId, value }: Entry['values'][number]) {
  fields[fieldId] = value;
  return fields;
}
