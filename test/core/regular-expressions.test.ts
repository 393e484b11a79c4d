import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

interface Found {
  readonly place: string;
  readonly literal: string;
}

/** All literals of regular expressions in a file. */
function literalsIn(file: string): Found[] {
  const source = ts.createSourceFile(file, readFileSync(SRC + file, 'utf8'), ts.ScriptTarget.Latest);
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) found.push({ place: file, literal: node.text });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function toRegExp(literal: string): RegExp {
  const end = literal.lastIndexOf('/');
  return new RegExp(literal.slice(1, end), literal.slice(end + 1));
}

/** Exponential time shows at the first length, quadratic time at the last, where linear time is less than a millisecond. */
const LENGTHS = [26, 25_000];
const MAX_MS = 150;

/** Characters that the expression names, and one of each class that it may. */
function charactersOf({ source }: RegExp): string[] {
  const unescaped = source.replace(/\\u([\da-f]{4})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  const classes = ['0', 'a', 'A', '_', ' ', '\n', '-', '.', '/', '%', '\u001b', '\u009b', '€', '"'];
  return [
    ...new Set([...classes, ...unescaped.replace(/[\\^$*+?()[\]{}|]/g, ''), ...(unescaped.match(/[[\]{}(]/g) ?? [])]),
  ];
}

/** The words that the expression names: what a repetition may begin with. */
const wordsOf = ({ source }: RegExp): string[] => ['', ...new Set(source.match(/[A-Za-z<]{2,}/g) ?? [])].slice(0, 12);

/** Texts that make engines try again: repeated characters and pairs of them, behind a beginning and before what fits nowhere. */
function* worstCases(pattern: RegExp, length: number): Generator<string> {
  const characters = charactersOf(pattern);
  const units = characters.flatMap((one) => [one, ...characters.slice(0, 16).map((other) => one + other)]);
  for (const unit of units) {
    const many = unit.repeat(length / unit.length);
    yield `${many}\u0001`;
    yield `1${many}\u0001`;
  }
  for (const word of wordsOf(pattern)) for (const unit of characters) yield `${word}${unit.repeat(length)}\u0001`;
}

/** The time for one text: the least of several, as others use this machine too. */
function millisecondsFor(pattern: RegExp, text: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3 && least > MAX_MS; attempt++) {
    const started = performance.now();
    text.replace(pattern, '');
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

function slowestOf(pattern: RegExp): { readonly milliseconds: number; readonly text: string } {
  let slowest = { milliseconds: 0, text: '' };
  for (const length of LENGTHS) {
    for (const text of worstCases(pattern, length)) {
      const milliseconds = millisecondsFor(pattern, text);
      if (milliseconds > slowest.milliseconds) slowest = { milliseconds, text: JSON.stringify(text.slice(0, 20)) };
      if (milliseconds > MAX_MS) return slowest;
    }
  }
  return slowest;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const all = files.flatMap(literalsIn);

describe('a regular expression', () => {
  test('is found wherever one stands', () => {
    expect(all.length).toBeGreaterThan(30);
    expect(new Set(all.map(({ place }) => place.split('/')[0]))).toEqual(
      new Set(['cli', 'core', 'emulator', 'gateway', 'http', 'storage', 'transport']),
    );
  });

  test.each(['/\\/*$/', '/a.*b/', '/[\\da-f][\\da-f-]{7,}$/', '/^(a+)+$/'])(
    'like %s, of quadratic time or worse, is noticed',
    (literal) => {
      expect(slowestOf(toRegExp(literal)).milliseconds).toBeGreaterThan(MAX_MS);
    },
    60_000,
  );

  test.each(all)(
    'of $place takes linear time for the worst of texts: $literal',
    ({ literal }) => {
      const { milliseconds, text } = slowestOf(toRegExp(literal));
      expect(milliseconds, text).toBeLessThanOrEqual(MAX_MS);
    },
    60_000,
  );
});
