import fc from 'fast-check';
import { expect, test } from 'vitest';
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
