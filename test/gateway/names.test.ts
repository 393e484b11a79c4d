import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeId, encodeId, encodeName, parkedSubject, partitionOf, uploadSubject } from '../../src/gateway/names.js';
import { DEVICE_ID } from '../support/builders/credentials.js';

const id = fc.string({ unit: 'binary', minLength: 1 });

describe('ids in subjects and keys', () => {
  test('a UUID is its own code', () => {
    expect(encodeId(DEVICE_ID)).toBe(DEVICE_ID);
    expect(uploadSubject(3, DEVICE_ID)).toBe(`gw.3.${DEVICE_ID}`);
  });

  test('any id makes one token, which decodes to the id', () => {
    fc.assert(
      fc.property(id, (text) => {
        expect(encodeId(text)).toMatch(/^[\w=-]+$/);
        if (encodeId(text).length <= 256) expect(decodeId(encodeId(text))).toBe(text);
      }),
    );
  });

  test('wildcards and dots of an id do not act in a subject', () => {
    expect(uploadSubject(1, '*')).toBe('gw.1.=2a');
    expect(parkedSubject('a.>')).toBe('parked.a=2e=3e');
  });

  test.each(['=2', '=zz', '=41', '=C3=A9', 'a.b', '*', '', '%41', '=ff'])('%j is not the code of an id', (code) => {
    expect(decodeId(code)).toBeUndefined();
  });

  test('a name of any length has a code that fits into a subject, and no other name has it', () => {
    fc.assert(
      fc.property(id, id, (one, other) => {
        const [long, otherLong] = [one.repeat(300), other.repeat(300)];
        expect(encodeName(long)).toMatch(/^[\w=-]{1,256}$/);
        expect(encodeName(long) === encodeName(otherLong)).toBe(long === otherLong);
      }),
    );
    expect(encodeName('w')).toBe('w');
  });

  test('G3 a code that is longer than any id of a device is not decoded', () => {
    expect(decodeId('a'.repeat(257))).toBeUndefined();
  });

  test('an empty id is refused', () => {
    expect(() => encodeId('')).toThrow(RangeError);
  });
});

describe('partitions', () => {
  test('a device keeps its partition', () => {
    expect(partitionOf(DEVICE_ID, 64)).toBe(partitionOf(DEVICE_ID, 64));
    expect(partitionOf(DEVICE_ID, 64)).toBe(37);
    expect(partitionOf(DEVICE_ID, 1)).toBe(0);
  });

  test('10,000 devices are distributed evenly', () => {
    const counts = Array.from({ length: 64 }, () => 0);
    for (let device = 0; device < 10_000; device++) {
      const partition = partitionOf(`11111111-1111-4111-8111-${String(device).padStart(12, '0')}`, 64);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(100);
    expect(Math.max(...counts)).toBeLessThan(220);
  });
});
