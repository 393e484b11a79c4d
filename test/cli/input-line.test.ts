import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { valueText } from '../../src/cli/entry-text.js';
import { parseLine, parsePair, parseValue } from '../../src/cli/input-line.js';

describe('the grammar of values', () => {
  test.each([
    ['21.5', 21.5],
    ['-3', -3],
    ['+2e3', 2000],
    ['.5', 0.5],
    ['true', true],
    ['false', false],
    ['open', 'open'],
    ['TRUE', 'TRUE'],
    ['', ''],
    ['"42"', '42'],
    ['"true"', 'true'],
    ['"a \\"b\\""', 'a "b"'],
    ['"', '"'],
    ['0x10', '0x10'],
    ['Infinity', 'Infinity'],
    ['1e999', '1e999'],
    ['1.2.3', '1.2.3'],
    ['12:30', '12:30'],
  ])('takes %s for %j', (text, value) => {
    expect(parseValue(text)).toBe(value);
  });

  test('reads a shown value as the same value', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean()), (value) => {
        const shown = parseLine(`a=${valueText(value)}`);
        expect(shown?.['a'] ?? '').toBe(Object.is(value, -0) ? 0 : value);
      }),
    );
  });

  test('splits at the first equals sign', () => {
    expect(parsePair('a=b=c')).toEqual(['a', 'b=c']);
  });

  test.each(['temperature', '=5', ''])('refuses %j, which has no name and value', (text) => {
    expect(() => parsePair(text)).toThrow(/expected name=value/);
  });

  test('never shows a key that stands in the wrong place', () => {
    const key = 'abcdef01-2345-4678-9abc-def012345678';
    expect(() => parsePair(key)).toThrow(/xxxxxxxx-xxxx/);
  });
});

describe('a line of pipe', () => {
  test('is pairs between spaces, where quotes keep spaces', () => {
    expect(parseLine('a=1  b="two words" c=x')).toEqual({ a: 1, b: 'two words', c: 'x' });
  });

  test('is a JSON object', () => {
    expect(parseLine(' {"a": 1, "b": "1", "__proto__": 2}')).toEqual(JSON.parse('{"a":1,"b":"1","__proto__":2}'));
  });

  test('is nothing if it is empty', () => {
    expect(parseLine('  \r')).toBeUndefined();
  });

  test('is refused if it is neither', () => {
    expect(() => parseLine('{"a": ')).toThrow(/not JSON/);
    expect(() => parseLine('a')).toThrow(/name=value/);
  });
});
