import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const TEST = new URL('../', import.meta.url);
const page = readFileSync(new URL('README.md', import.meta.url), 'utf8');

const numbersIn = (text: string): number[] => Array.from(text.matchAll(/F(\d+)/g), ([, number]) => Number(number));

/** The numbers of a list such as `F1–F40, F43`. */
function listed(text: string): number[] {
  return text.split(',').flatMap((range) => {
    const [first = 0, last = first] = numbersIn(range);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** The rows that the titles of all tests name. */
function namedByTests(): Set<number> {
  const files = readdirSync(TEST, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'));
  const titles = files.flatMap((file) =>
    Array.from(
      readFileSync(new URL(file, TEST), 'utf8').matchAll(/^\s*(?:.*\()?['"`]((?:F\d+:? )+)/gm),
      ([, title = '']) => title,
    ),
  );
  return new Set(titles.flatMap(numbersIn));
}

describe('the table of faults', () => {
  const rows = Array.from(page.matchAll(/^\| F(\d+) \|/gm), ([, number]) => Number(number));
  const built = listed(/^Built: (.*)\.$/m.exec(page)?.[1] ?? '');
  const named = namedByTests();

  test('numbers its rows from 1 on', () => {
    expect(rows.length).toBeGreaterThan(0);
    expect(rows).toEqual(rows.map((_, index) => index + 1));
  });

  test('has a test for each row that is built, with its number in the title', () => {
    expect(built.length).toBeGreaterThan(0);
    expect(built.filter((row) => !named.has(row) || !rows.includes(row))).toEqual([]);
  });

  test('has a row for each number in the title of a test', () => {
    expect([...named].filter((row) => !rows.includes(row))).toEqual([]);
  });
});
