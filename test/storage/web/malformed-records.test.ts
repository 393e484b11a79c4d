import { describe, expect, test } from 'vitest';
import type { Api } from '../../../src/index.js';
import { commitEach } from '../../support/builders/api.js';
import { WebPlace } from '../../support/fakes/places.js';

const idsOf = (api: Api): string[] => api.log().map(({ id }) => id);

describe('a localStorage with a record that no commit makes', () => {
  test.each<[string, string, (record: string) => string]>([
    ['a time written otherwise', '2', (record) => record.replace('"timestamp":', '"timestamp":0')],
    ['a time in the year 5138', '2', (record) => record.replace(/\d{10}/, '100000000000')],
    ['no values', '2', (record) => record.replace(/\[.*\]/, '[]')],
    // As a number it is the same as the one below, which is there too.
    ['a number that no number can be', '9007199254740993', (record) => record],
  ])('reads all others, and leaves it as it is: %s', async (_what, sequence, malform) => {
    const place = new WebPlace();
    const before = place.open();
    const [first, second] = commitEach(before, 1, 2);
    place.crash(before);
    const [writer] = first?.id.split('-') ?? [];
    const key = `nikdev-iot/1/${writer}/${sequence}`;
    const record = malform(place.stored().get(`nikdev-iot/1/${writer}/2`) ?? '');
    place.put(key, record);
    if (sequence !== '2') place.put(`nikdev-iot/1/${writer}/9007199254740992`, record);
    const api = await place.reopen();
    expect(idsOf(api)).toEqual(sequence === '2' ? [first?.id] : [first?.id, second?.id]);
    await api.push();
    await api.close();
    expect(place.stored().get(key)).toBe(record);
  });
});
