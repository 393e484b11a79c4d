import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanText, foreignText, holdsKey, redact, WITHHELD } from '../../../src/core/model/foreign-text.js';
import { SENTINEL_KEY as KEY, leaksIn } from '../../support/assertions/sentinel.js';

const same = (text: string): string => text;
const redactKey = (text: string): string => redact(text, [KEY]);
const DIGITS = KEY.replaceAll('-', '');

/** Everything that acts on a terminal, a log or the text around it, and halves of surrogate pairs. */
const HARMFUL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Cf}\p{DI}]/u;

/** Characters of every kind that is taken out, escape sequences and hex digits among them. */
const unit = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  fc.constantFrom('\u001b[', '\u009b', '\u001b]', '\u0007', '31m', '\u202e', '\u2066', '\u200b', '\ufeff', '\ud83d'),
  fc.constantFrom('\r\n', '\u2028', '\u2029', '%', '%25', '🔥', '-', 'a', '0'),
);
const hostile = fc.array(unit, { maxLength: 500 }).map((units) => units.join(''));

describe('F57 a foreign text', () => {
  test.each([
    ['Field x is unknown.', 'Field x is unknown.'],
    ['  spaces  ', '  spaces  '],
    ['Küche 🔥 ضيف', 'Küche 🔥 ضيف'],
    ['\u001b[2J\u001b[1;31mred\u001b[0m', 'red'],
    ['\u009b2Jred', 'red'],
    ['\u001b]0;owned\u0007title', 'title'],
    ['\u001b]8;;http://evil\u001b\\link\u001b]8;;\u001b\\', 'link'],
    ['\u001b]never ended', ''],
    ['\u001b', ' '],
    ['a\r\nINFO all is well\t\u0000\u007f\u0085\u2028b', 'a  INFO all is well     b'],
    ['\u202egnp.exe\u202c \u2066x\u2069 \u200e\u200f\u061c', 'gnp.exe x '],
    ['zero\u200bwidth\u2060\ufeff\u00ad\u{e0041}\u3164', 'zerowidth'],
    ['half \ud83d of a pair', 'half   of a pair'],
  ])('%j is shown as %j', (text, shown) => {
    expect(foreignText(text, same)).toBe(shown);
    expect(cleanText(text)).toBe(shown);
  });

  test('is cut after 300 code points, and says so', () => {
    expect(foreignText('x'.repeat(300), same)).toBe('x'.repeat(300));
    expect(foreignText('x'.repeat(301), same)).toBe(`${'x'.repeat(300)}…`);
    expect(foreignText('🔥'.repeat(300), same)).toBe('🔥'.repeat(300));
    expect(foreignText('🔥'.repeat(900_000), same)).toBe(`${'🔥'.repeat(300)}…`);
    expect(foreignText('\u200b'.repeat(900_000), same)).toBe('…');
  });

  test('that was cut is not cut any further', () => {
    const once = foreignText('x'.repeat(900), same);
    expect(foreignText(once, same)).toBe(once);
  });

  test('has at most 301 code points and nothing that acts on a terminal, whatever it was', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = foreignText(text, redactKey);
        expect([...shown].length).toBeLessThanOrEqual(301);
        expect(shown).not.toMatch(HARMFUL);
      }),
    );
  });

  test.each(['x', '\u001b[', '\u001b]', '\u009b0', '\u009b0 ', '\u202e', '%25', 'a', 'a-', '-', '🔥', '\ud800', ' '])(
    'of 1 MiB of %j costs no more than one of 64 KiB',
    (piece) => {
      const seconds = (length: number): number => {
        const text = piece.repeat(Math.ceil(length / piece.length));
        const times = [1, 2, 3].map(() => {
          const started = performance.now();
          foreignText(text, redactKey);
          return performance.now() - started;
        });
        return Math.min(...times);
      };
      expect(seconds(1024 * 1024)).toBeLessThan(4 * seconds(64 * 1024) + 20);
    },
  );
});

/** A key as a server may echo it: in any case, with and without dashes, percent-encoded in part and more than once. */
const echoed = fc
  .record({
    from: fc.integer({ min: 0, max: DIGITS.length - 12 }),
    length: fc.integer({ min: 12, max: DIGITS.length }),
    looks: fc.array(fc.constantFrom('lower', 'upper', 'percent', 'twice', 'wide'), { minLength: 32, maxLength: 32 }),
    separators: fc.array(fc.constantFrom('', '', '-', '%2D', ' ', '\u200b', ':', '\u001b[0m', '\n', '\u202e'), {
      minLength: 32,
      maxLength: 32,
    }),
  })
  .map(({ from, length, looks, separators }) =>
    [...DIGITS.slice(from, from + length)]
      .map((digit, index) => {
        const code = digit.charCodeAt(0);
        const looksLike: Record<string, string> = {
          lower: digit,
          upper: digit.toUpperCase(),
          percent: `%${code.toString(16)}`,
          twice: `%2525${code.toString(16).toUpperCase()}`,
          wide: String.fromCharCode(code + 0xfee0),
        };
        return (looksLike[looks[index] ?? ''] ?? digit) + (separators[index] ?? '');
      })
      .join(''),
  );

describe('F34 the key', () => {
  test('in a foreign text, in any form and of any recognizable length, leaves nothing of the text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 250 }), echoed, fc.string(), (before, echo, after) => {
        expect(foreignText(`${before} ${echo} ${after}`, redactKey, 'status')).toBe('status');
      }),
      { numRuns: 500 },
    );
  });

  test('is not found in texts that are others', () => {
    const other = '00112233-4455-4677-8899-aabbccddeeff';
    for (const text of ['A bad face, feed and beef.', other, DIGITS.slice(0, 11), DIGITS.slice(-11), '', '%', '%%%zz'])
      expect(foreignText(text, redactKey)).toBe(text);
  });

  test('is neither whole nor in part where the text was cut', () => {
    for (let before = 240; before <= 310; before++) {
      const shown = foreignText(`${'x'.repeat(before)}${KEY} and more ${'x'.repeat(400)}`, redactKey);
      expect(shown).toBe(WITHHELD);
      // A key that is not known here, such as another device's.
      const unknown = foreignText(`${'x'.repeat(before)} ${KEY}!${'x'.repeat(400)}`, same);
      expect(before > 264 ? unknown : '').not.toMatch(/feedface-b/);
    }
  });

  test.each([KEY, KEY.toUpperCase(), DIGITS, KEY.slice(0, 16), `${KEY}\n`, `"${KEY}"`])(
    'in a message of ours (%j) is masked',
    (echo) => {
      const shown = redactKey(`the fields are a, b, got ${echo} there`);
      expect(leaksIn(shown)).toEqual([]);
      expect(shown).toMatch(/^the fields are a, b, got "?x+/);
    },
  );

  test('in a message of ours that masking does not reach leaves nothing of it', () => {
    expect(redactKey(`got ${[...DIGITS].join(' ')}`)).toBe(`(${WITHHELD})`);
  });

  test('is one of several: all that there were are taken out', () => {
    const former = '12345678-9abc-4def-8123-456789abcdef';
    expect(redact(`${former}!`, [KEY, former])).toBe('xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx!');
    expect(holdsKey(`%7B${former.toUpperCase()}`, [KEY, former])).toBe(true);
    expect(holdsKey(former.slice(1), [KEY, former])).toBe(false);
  });
});
