import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** The faults that must be survived, by their numbers, for what has been built so far. */
const rows = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
  33, 34, 35, 36, 37, 38, 39, 40, 44, 45, 46, 47,
];

test('each fault that must be survived has a test with its number in the title', () => {
  const folder = new URL('../', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'));
  const titles = files.flatMap((file) =>
    [...readFileSync(new URL(file, folder), 'utf8').matchAll(/^\s*(?:.*\()?['"`]((?:F\d+ )+)/gm)].map(
      ([, title]) => title ?? '',
    ),
  );
  const found = new Set(titles.flatMap((title) => [...title.matchAll(/F(\d+)/g)].map(([, number]) => Number(number))));
  expect(rows.filter((row) => !found.has(row))).toEqual([]);
});
