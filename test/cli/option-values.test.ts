import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../src/cli/option-values.js';

describe('a time', () => {
  test.each([
    ['30s', 30],
    ['5m', 300],
    ['1.5h', 5400],
    ['250ms', 0.25],
    ['7', 7],
  ])('%s is %d seconds', (text, seconds) => {
    expect(parseDuration(text, '--wait')).toBe(seconds);
  });

  test.each(['', '0', '-1s', '25h', '1d', 's', '1 s'])('%j is refused', (text) => {
    expect(() => parseDuration(text, '--wait')).toThrow(/--wait must be a time/);
  });

  test('below the minimum of an option is refused, with the minimum', () => {
    expect(parseDuration('1s', '--every', 1)).toBe(1);
    expect(() => parseDuration('0.9s', '--every', 1)).toThrow(/--every must be a time from 1s to 24h/);
  });

  test('never shows a key that stands in the wrong place', () => {
    const key = 'abcdef01-2345-4678-9abc-def012345678';
    expect(() => parseDuration(key, '--wait')).toThrow(/xxxxxxxx-xxxx/);
  });
});
