import { describe, expect, test } from 'vitest';
import { Emitter } from '../../../src/core/notify/emitter.js';
import { Staging } from '../../../src/core/staging/staging.js';
import { ValueException } from '../../../src/index.js';

function filled(): Staging {
  const staging = new Staging(new Emitter());
  staging.addAll([
    ['b', 1],
    ['a', 'x'],
  ]);
  return staging;
}

describe('staged values', () => {
  test('is in the order in which the fields were first added, with the last value of each', () => {
    const staging = filled();
    staging.add('c', true);
    staging.add('b', 2);
    expect(staging.values()).toEqual([
      { fieldId: 'b', value: 2 },
      { fieldId: 'a', value: 'x' },
      { fieldId: 'c', value: true },
    ]);
    expect(staging.size).toBe(3);
  });

  test.each([1, 8, 9, 10, 100])('keeps the last value of each of %d fields, after an earlier commit too', (count) => {
    const staging = filled();
    staging.removeAll();
    for (const value of [1, 2]) for (let field = 0; field < count; field++) staging.add(`field ${field}`, value);
    const expected = Array.from({ length: count }, (_, field) => ({ fieldId: `field ${field}`, value: 2 }));
    expect(staging.values()).toEqual(expected);
    staging.remove(expected.slice(1));
    expect(staging.values()).toEqual(expected.slice(0, 1));
    staging.add('field 1', 3);
    expect(staging.values().at(-1)).toEqual({ fieldId: 'field 1', value: 3 });
  });

  test('is handed out as it is at that time', () => {
    const staging = filled();
    const handedOut = staging.values();
    staging.add('b', 2);
    staging.add('c', true);
    staging.remove([{ fieldId: 'a', value: 'x' }]);
    staging.removeAll();
    staging.add('d', 3);
    expect(handedOut).toEqual(filled().values());
  });

  test('has one zero, as the wire', () => {
    const staging = new Staging(new Emitter());
    staging.add('a', -0);
    staging.addAll([['b', -0]]);
    expect(staging.values().map(({ value }) => Object.is(value, 0))).toEqual([true, true]);
  });

  test.each<[string, unknown]>([
    ['', 1],
    ['c', Number.NaN],
  ])('stays as it is where %j is to be %o', (fieldId, value) => {
    const staging = filled();
    expect(() => staging.add(fieldId, value as number)).toThrow(ValueException);
    expect(() => staging.addAll([['b', 2] as const, [fieldId, value as number]])).toThrow(ValueException);
    expect(staging.values()).toEqual(filled().values());
  });

  test('are removed only where they are unchanged', () => {
    const staging = filled();
    const before = staging.values();
    staging.add('b', 2);
    staging.add('c', 3);
    staging.remove(before);
    expect(staging.values()).toEqual([
      { fieldId: 'b', value: 2 },
      { fieldId: 'c', value: 3 },
    ]);
  });

  test('is nothing once it was cleared', () => {
    const staging = filled();
    staging.removeAll();
    expect(staging.values()).toEqual([]);
    staging.add('a', 1);
    expect(staging.values()).toEqual([{ fieldId: 'a', value: 1 }]);
  });
});
