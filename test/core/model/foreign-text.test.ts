import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanText, foreignText } from '../../../src/core/model/foreign-text.js';

const same = (text: string): string => text;
const KEY = '5e47e1aa-1111-4222-8333-5e47e1aabbcc';
const redact = (text: string): string => text.replaceAll(KEY, '<API Key>');

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
  ])('%j is shown as %j', (text, shown) => {
    expect(foreignText(text, same)).toBe(shown);
    expect(cleanText(text)).toBe(shown);
  });

  test('is cut after 300 code points, and says so', () => {
    expect(foreignText('x'.repeat(300), same)).toBe('x'.repeat(300));
    expect(foreignText('x'.repeat(301), same)).toBe(`${'x'.repeat(300)}…`);
    expect(foreignText('🔥'.repeat(300), same)).toBe('🔥'.repeat(300));
    expect(foreignText('🔥'.repeat(900_000), same)).toBe(`${'🔥'.repeat(300)}…`);
  });

  test('is cut after the key was taken out, and clean before: no part of the key is left', () => {
    for (let before = 263; before <= 300; before++) {
      expect(foreignText('x'.repeat(before) + KEY, redact)).not.toMatch(/5e47/);
      // A key that is not known here, such as a former one.
      expect(foreignText(`${'x'.repeat(before)} ${KEY}!`, same)).not.toMatch(/5e47e1aa-1/);
    }
    const divided = [...KEY].join('\u202e');
    expect(foreignText(divided, redact)).toBe('<API Key>');
  });

  test('has at most 301 code points and no control character, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 700 }), (text) => {
        const shown = foreignText(text, same);
        expect([...shown].length).toBeLessThanOrEqual(301);
        expect(shown).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 30 },
    );
  });
});
