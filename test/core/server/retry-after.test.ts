import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retryAfterSeconds } from '../../../src/core/server/retry-after.js';

const NOW = Date.parse('Sun, 22 Nov 2026 12:00:00 GMT');
const httpDate = (time: number): string => new Date(time).toUTCString();

/** Whole seconds that an HTTP date can say. */
const time = fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000);
const clamp = (seconds: number): number => Math.min(Math.max(seconds, 1), 3600);

describe('Retry-After', () => {
  test('in seconds is clamped to 1-3600, whatever the clocks say', () => {
    fc.assert(
      fc.property(fc.integer(), fc.option(time), time, (seconds, date, now) => {
        const sent = date === null ? undefined : httpDate(date);
        expect(retryAfterSeconds(String(seconds), sent, now)).toBe(clamp(seconds));
      }),
    );
  });

  test('as a date is read against the Date of the answer, whatever the local clock says', () => {
    fc.assert(
      fc.property(time, time, time, (until, sent, now) => {
        expect(retryAfterSeconds(httpDate(until), httpDate(sent), now)).toBe(clamp((until - sent) / 1000));
      }),
    );
  });

  test.each([undefined, '', 'garbage', 'try 99'])(
    'as a date, beside %j as Date, is read by the local clock',
    (date) => {
      fc.assert(
        fc.property(time, time, (until, now) => {
          expect(retryAfterSeconds(httpDate(until), date, now)).toBe(clamp((until - now) / 1000));
        }),
      );
    },
  );

  test.each([
    [' 120 ', 120],
    ['120\t', 120],
    ['007', 7],
    ['0', 1],
    ['-0', 1],
    ['-1', 1],
    ['1e12', 3600],
    ['3600', 3600],
    ['3601', 3600],
    ['5, 5', 5],
    ['5,10', 5],
    [`${httpDate(NOW + 100_000)}, ${httpDate(NOW + 200_000)}`, 100],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 3600],
    [`1${'0'.repeat(400)}`, 3600],
    [' Sun, 22 Nov 2026 12:00:30 GMT ', 30],
    ['Sunday, 22-Nov-26 12:00:30 GMT', 30],
    ['Sun Nov 22 12:00:30 2026', 30],
  ])('%j is %i seconds', (header, seconds) => {
    expect(retryAfterSeconds(header, httpDate(NOW), 0)).toBe(seconds);
  });

  test.each([
    undefined,
    '',
    ' ',
    '\t\n',
    'soon',
    'later',
    'in 5 minutes',
    'try 99',
    'x 1',
    'five',
    '120s',
    '120 seconds',
    '0x10',
    'on Sun, 22 Nov 2026 12:00:30 GMT',
    'Whitsun, 22 Nov 2026 12:00:30 GMT',
    'PT5M',
    'NaN',
    'null',
    'undefined',
    'Sun, 99 Nov 2026 12:00:30 GMT',
    '\ud800',
    '１２０',
  ])('%j is neither seconds nor a date and says nothing', (header) => {
    expect(retryAfterSeconds(header, httpDate(NOW), NOW)).toBeUndefined();
  });

  test('of anything at all is seconds within its bounds or nothing', () => {
    const anything = fc.option(fc.oneof(fc.string({ unit: 'binary' }), fc.double().map(String), time.map(httpDate)), {
      nil: undefined,
    });
    fc.assert(
      fc.property(anything, anything, fc.double(), (header, date, now) => {
        const seconds = retryAfterSeconds(header, date, now);
        if (seconds === undefined) return;
        expect(seconds).toBeGreaterThanOrEqual(1);
        expect(seconds).toBeLessThanOrEqual(3600);
      }),
      { numRuns: 2000 },
    );
  });
});
