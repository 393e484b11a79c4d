import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uploadOfOne } from '../../src/gateway/worker/entries.js';
import { itemTexts } from '../../src/gateway/worker/json-items.js';

const spaced = fc.constantFrom(undefined, 1, '\t', ' \n');

test('the items of an array, cut out of any JSON object, are the items that JSON.parse reads', () => {
  const object = fc.dictionary(fc.constantFrom('a', 'entries', '"', 'clientTimestamp', '\\'), fc.jsonValue());
  fc.assert(
    fc.property(object, fc.array(fc.jsonValue()), spaced, (others, entries, space) => {
      const text = JSON.stringify({ ...others, entries, last: others }, undefined, space);
      expect(itemTexts(text, 'entries').map((item) => JSON.parse(item) as unknown)).toEqual(
        (JSON.parse(text) as { entries: unknown[] }).entries,
      );
    }),
  );
});

test.each([
  ['{"entries":[1e20, "a,b]" ,{"x":[1,2]}]}', ['1e20', '"a,b]"', '{"x":[1,2]}']],
  ['{"entries":[1],"entries":[2,3]}', ['2', '3']],
  ['{"entr\\u0069es":["\\"]"]}', ['"\\"]"']],
  ['{"a":{"entries":[1]},"entries":[ ]}', []],
  ['{"a":"entries","entries":[[],{}]}', ['[]', '{}']],
])('the items keep their text: %s', (text, items) => {
  expect(itemTexts(text, 'entries')).toEqual(items);
});

test('an entry that is cut out of an upload is no longer than the upload, though its numbers would be', () => {
  const values = Array.from({ length: 10 }, () => '{"a":1e20}').join(',');
  const text = `{"clientTimestamp":1795000000,"entries":[{"timestamp":1795000000,"values":[${values}]}]}`;
  expect(JSON.stringify(JSON.parse(text)).length).toBeGreaterThan(text.length);
  const upload = { device: 'd', offset: 0, keyHash: 'k', isVerified: true, entryIds: undefined };
  const { body } = uploadOfOne({ ...upload, body: Buffer.from(text) }, 0);
  expect(Buffer.from(body).toString()).toBe(text);
});
