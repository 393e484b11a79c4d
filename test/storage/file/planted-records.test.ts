import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeValues } from '../../../src/core/model/values-json.js';
import { encodeRemoved } from '../../../src/storage/shared/journal/record.js';
import { isWireText } from '../../../src/storage/shared/journal/wire-text.js';
import { credentials } from '../../support/builders/credentials.js';
import { linesIn, readJournal } from '../../support/builders/journal-bytes.js';
import { PLANTED, PLANTED_WRITER, plantedJournal } from '../../support/builders/planted-journal.js';
import { FilePlace } from '../../support/fakes/places.js';

describe('the text of values in a record with a right checksum', () => {
  test.each([
    '[{"t":1}],"x":[{"y":2}]',
    '[{"t":1}]},{"timestamp":2,"values":[{"t":2}]',
    '[{"t":1,"u":2}]',
    '[{"t":{"u":1}}]',
    '[{"t":[1]}]',
    '[{"t":null}]',
    '[{"t":1} ]',
    '[{"t":1e5}]',
    '[{"t":01}]',
    '[{"t":-0}]',
    '[{"t":1.0}]',
    '[{"t":0.0000001}]',
    '[{"t":12345678901234567890}]',
    '[{"t":"\\u0041"}]',
    '[{"":1}]',
    '[]',
    '',
    '"text"',
  ])('that no commit makes, %s, keeps it from being read and sent', async (values) => {
    const place = new FilePlace();
    place.put(PLANTED, plantedJournal(values));
    const api = await place.reopen();
    expect(api.status()).toMatchObject({ committed: 0, warnings: [{ code: 'unreadable-records' }] });
  });

  test.each([
    '[{"t":1}]',
    '[{"t":-0.5},{"u":true},{"v":false}]',
    '[{"t":"å€😀"},{"\\"":"\\n"}]',
    '[{"t":1e+21},{"u":0.1234567}]',
  ])('that a commit makes, %s, is sent as it is', async (values) => {
    const place = new FilePlace();
    const journal = Buffer.from(plantedJournal(values, { ...credentials, baseUrl: 'https://iot.nik-dev.se/api/v1/' }));
    // As bytes.
    place.put(PLANTED, journal.toString('latin1'));
    const api = await place.reopen();
    await api.push();
    expect(place.server.requests.map(({ body }) => body).join()).toContain(`"values":${values}}`);
  });

  test('is taken exactly where decoding takes it', () => {
    const parts = [
      '[',
      ']',
      '{',
      '}',
      '"',
      ':',
      ',',
      'a',
      'true',
      'false',
      '-',
      '0',
      '1',
      '12',
      '.',
      '5',
      '[{"a":',
      '}]',
    ];
    const piece = fc.constantFrom(
      ...parts,
      'e',
      '\\',
      '\\n',
      'å',
      ' ',
      '123456789',
      '"b"',
      '},{"a":',
      'null',
      '\u007f',
      '\0',
    );
    const values = fc.array(
      fc.record({ [`a`]: fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.string(), fc.boolean()) }),
      { minLength: 1, maxLength: 3 },
    );
    const texts = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((all) => all.join('')),
      fc.array(piece, { maxLength: 6 }).map((all) => `[{"a":${all.join('')}}]`),
      values.map((all) => JSON.stringify(all)),
    );
    let taken = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = Buffer.from(`xx${text}\n"}]`);
        const isTaken = isWireText(bytes, 2, bytes.length - 4);
        if (isTaken) taken += 1;
        expect(isTaken).toBe((decodeValues(text)?.length ?? 0) > 0);
      }),
      { numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(1000);
  });
});

describe('a record of a million ranges', () => {
  const record = (body: string): string => `\n1 ${crc32(body).toString(16).padStart(8, '0')} ${body}\n`;
  const COUNT = 1_000_000;

  test('is read, and the entries that it does not name are adopted without a warning', {
    timeout: 30_000,
  }, async () => {
    const place = new FilePlace();
    const ranges = Array.from({ length: COUNT }, (_, index) => 2 * index + 2).join();
    place.put(PLANTED, plantedJournal() + record(`R ${PLANTED_WRITER} ${ranges}`));
    const api = await place.reopen();
    expect(api.status()).toMatchObject({ committed: 1, warnings: [] });
  });

  test('is written as several, which are read as one', () => {
    const ranges = Array.from({ length: COUNT }, (_, index) => [3 * index, 3 * index + 1] as const);
    const written = encodeRemoved(PLANTED_WRITER, ranges);
    const lines = [...linesIn(Buffer.from(written))];
    expect(lines.length).toBe(100);
    expect(Math.max(...lines.map(({ start, end }) => end - start))).toBeLessThan(2 ** 18);
    const { unreadable } = readJournal(Buffer.from(written));
    expect(unreadable).toBe(0);
  });
});
