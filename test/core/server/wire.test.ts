import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readValues, WireError } from '../../../src/core/server/wire.js';

const body = (...values: unknown[]): string => JSON.stringify({ data: { servertime: 1_700_000_000, values } });

/** The message of the rejection. */
function rejection(text: string): string {
  try {
    readValues(text);
  } catch (error) {
    expect(error).toBeInstanceOf(WireError);
    return (error as WireError).message;
  }
  throw new Error('the body was not refused');
}

describe('the body that values are read from', () => {
  test.each([
    ['a number', 1_700_000_000.5, 1_700_000_000.5],
    ['text', '1700000000', 1_700_000_000],
    ['text with a fraction and blanks', ' +1700000000.25 ', 1_700_000_000.25],
  ])('has its time as %s', (_name, servertime, seconds) => {
    expect(readValues(JSON.stringify({ data: { servertime, values: [] } })).servertime).toBe(seconds);
  });

  test('has whatever field with whatever value, what else there is being passed over', () => {
    const value = fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean());
    const fieldId = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor'));
    const reading = fc.record({
      fieldId,
      value: fc.option(value),
      timestamp: fc.option(fc.integer({ min: 0, max: 99_999_999_999 })),
    });
    fc.assert(
      fc.property(fc.array(reading), (list) => {
        const sent = list.map(({ fieldId, ...reading }) => Object.fromEntries([[fieldId, { ...reading, unit: '°C' }]]));
        const { readings: read } = readValues(body(...sent));
        expect(read).toEqual(JSON.parse(JSON.stringify(list)));
      }),
    );
  });

  const TIME = 'a time in Unix seconds or null';
  const VALUE = 'text, a number, a boolean or null';
  test.each([
    ['', 'it is empty'],
    [' \n', 'it is empty'],
    ['{', 'it is not JSON'],
    ['null', 'at its top it must have an object, got null'],
    ['[]', 'at its top it must have an object, got an array'],
    ['{}', 'at ["data"] it must have an object, got undefined'],
    ['{"data":{}}', 'at ["data"]["servertime"] it must have a time in Unix seconds, got undefined'],
    [
      '{"data":{"servertime":"soon","values":[]}}',
      'at ["data"]["servertime"] it must have a time in Unix seconds, got a string',
    ],
    [
      '{"data":{"servertime":1e999,"values":[]}}',
      'at ["data"]["servertime"] it must have a time in Unix seconds, got a number',
    ],
    ...[`"${'9'.repeat(400)}"`, '"-9007199254740993"', '-1.7e29'].map((servertime): [string, string] => [
      `{"data":{"servertime":${servertime},"values":[]}}`,
      `at ["data"]["servertime"] it must have a time in Unix seconds, got a ${servertime[0] === '"' ? 'string' : 'number'}`,
    ]),
    ['{"data":{"servertime":1,"values":{}}}', 'at ["data"]["values"] it must have an array, got an object'],
    [body([]), 'at ["data"]["values"][0] it must have an object, got an array'],
    [
      body({ a: { value: 1, timestamp: 1 } }, { b: 1 }),
      'at ["data"]["values"][1]["b"] it must have an object, got a number',
    ],
    [
      body({ a: { value: [], timestamp: 1 } }),
      `at ["data"]["values"][0]["a"]["value"] it must have ${VALUE}, got an array`,
    ],
    [body({ a: { timestamp: 1 } }), `at ["data"]["values"][0]["a"]["value"] it must have ${VALUE}, got undefined`],
    [
      body({ a: { value: 1, timestamp: '1' } }),
      `at ["data"]["values"][0]["a"]["timestamp"] it must have ${TIME}, got a string`,
    ],
    ...[-1, 100_000_000_000, 9e15, -9e15].flatMap((time): [string, string][] => [
      [
        body({ a: { value: 1, timestamp: time } }),
        `at ["data"]["values"][0]["a"]["timestamp"] it must have ${TIME}, got a number`,
      ],
      [
        `{"data":{"servertime":${time},"values":[]}}`,
        'at ["data"]["servertime"] it must have a time in Unix seconds, got a number',
      ],
    ]),
  ])('%s is refused with the place at fault', (text, message) => {
    expect(rejection(text)).toBe(message);
  });

  test('is read or refused, and a rejection shows nothing of what it holds', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        try {
          readValues(json);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
    );
    expect(rejection(body({ a: { value: { secret: 'hidden' }, timestamp: 1 } }))).not.toMatch(/secret|hidden/);
  });
});
