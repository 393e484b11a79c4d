import fc from 'fast-check';
import type { FieldValue } from '../../../src/index.js';

/** Field ids that trip up objects, URLs and lists. */
export const AWKWARD_IDS = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  'then',
  'toJSON',
  '0',
  'a,b',
  'a/b?c#d',
  'a%2Cb',
  '%2e%2e',
  '...',
  ' ',
  '\u0000',
  '\r\nx-api-key: no',
  '"\\',
  '\u2028',
  'å€😀',
];

/** Well-formed text of any code points. */
const text = fc.string({ unit: 'binary', maxLength: 20 });

export const fieldId: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...AWKWARD_IDS) },
  { weight: 1, arbitrary: fc.constantFrom('.', '..') },
  { weight: 4, arbitrary: text.filter((id) => id !== '') },
);

const finiteNumber: fc.Arbitrary<number> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(0, -0, 2 ** 53 + 1, -(2 ** 53), Number.MAX_VALUE, Number.MIN_VALUE, 1e21, 0.1 + 0.2),
);

export const fieldValue: fc.Arbitrary<FieldValue> = fc.oneof(finiteNumber, text, fc.boolean());

const loneSurrogate = fc
  .tuple(fc.string(), fc.integer({ min: 0xd800, max: 0xdfff }), fc.string())
  .map(([before, unit, after]) => before + String.fromCharCode(unit) + after);

/** Ids that no field can have. */
export const refusedId: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom('', undefined, null, 5, true, Symbol('id'), 1n, ['a'], { toString: () => 'a' }),
  loneSurrogate,
);

/** Values that the wire can't carry. */
export const refusedValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, undefined, null, Symbol('value')),
  fc.bigInt(),
  loneSurrogate,
  fc.object(),
  fc.array(fc.anything()),
  fc.date(),
  fc.func(fc.integer()),
  fc.constantFrom<unknown>(
    Object(1),
    Object('text'),
    Object(true),
    new Map(),
    { toJSON: () => 1 },
    { valueOf: () => 1 },
  ),
);

/** The one change that is made to a value: the wire has one zero. */
export const onTheWire = (value: FieldValue): FieldValue => (value === 0 ? 0 : value);
