import { type Random, upTo } from '../simulation/random.js';

/** Material that a mutator may put into an input. */
export interface Matter {
  /** Words of the format. */
  readonly dictionary: readonly string[];
  /** Another input, to be spliced with. */
  readonly other: string;
  /** How many bits a unit of the text has: 8 where the text stands for bytes, 16 for UTF-16. */
  readonly bits: 8 | 16;
}

type Mutation = (text: string, random: Random, matter: Matter) => string;

const MOST_MUTATIONS = 4;
const MOST_INSERTED = 8;

/** The replacements of numbers: the limits of common types, and numbers that are not whole. */
const EXTREMES = [
  '0',
  '-0',
  '-1',
  '007',
  '1.5',
  '1e5',
  '1e400',
  '4294967296',
  '99999999999',
  '100000000000',
  '999999999999999',
  '1000000000000000',
  '9007199254740991',
  '9007199254740993',
  '9999999999999999',
  '18446744073709551616',
  `1${'0'.repeat(400)}`,
  '-170000000000000000000000000000',
  'NaN',
];

/** @returns Another text than the one that is given. */
export function mutate(text: string, random: Random, matter: Matter): string {
  let mutated = text;
  // Few: of an input that is spoilt all over nothing is left to be read.
  for (let count = 1; mutated === text || (count <= MOST_MUTATIONS && random() < 0.5); count++)
    mutated = pick(MUTATIONS, random)(mutated, random, matter);
  return mutated;
}

export function pick<Item>(items: readonly Item[], random: Random): Item {
  return items[Math.floor(random() * items.length)] as Item;
}

const MUTATIONS: readonly Mutation[] = [
  // Twice: that is what disks do.
  flipBit,
  flipBit,
  (text, random, { bits }) => replaced(text, ...slice(text, random), unit(random, bits)),
  (text, random) => replaced(text, ...slice(text, random), ''),
  (text, random, { bits }) => {
    const units = Array.from({ length: 1 + upTo(random, MOST_INSERTED) }, () => unit(random, bits));
    return inserted(text, random, units.join(''));
  },
  (text, random) => inserted(text, random, text.slice(...slice(text, random))),
  (text, random) => text.slice(0, upTo(random, text.length)),
  (text, random) => text.slice(upTo(random, text.length)),
  swapSlices,
  (text, random, { other }) => text.slice(0, upTo(random, text.length)) + other.slice(upTo(random, other.length)),
  (text, random, { other }) => inserted(text, random, other.slice(...slice(other, random))),
  (text, random, { dictionary }) => inserted(text, random, pick(dictionary, random)),
  (text, random, { dictionary }) => replaced(text, ...slice(text, random), pick(dictionary, random)),
  replaceNumber,
  replaceNumber,
  (text, random) => changeLines(text, random, (lines, one) => lines.splice(one, 1)),
  (text, random) => changeLines(text, random, (lines, one, other) => lines.splice(other, 0, lines[one] ?? '')),
  (text, random) => changeLines(text, random, (lines, one, other) => lines.splice(other, 0, ...lines.splice(one, 1))),
];

function unit(random: Random, bits: number): string {
  return String.fromCharCode(upTo(random, 2 ** bits - 1));
}

/** Where a slice begins and ends: most are short, some reach far. */
function slice(text: string, random: Random): [start: number, end: number] {
  const start = upTo(random, text.length);
  const length = random() < 0.7 ? 1 + upTo(random, MOST_INSERTED) : upTo(random, text.length - start);
  return [start, Math.min(start + length, text.length)];
}

function replaced(text: string, start: number, end: number, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

function inserted(text: string, random: Random, what: string): string {
  const at = upTo(random, text.length);
  return replaced(text, at, at, what);
}

function flipBit(text: string, random: Random, { bits }: Matter): string {
  if (text === '') return text;
  const at = upTo(random, text.length - 1);
  const flipped = text.charCodeAt(at) ^ (1 << upTo(random, bits - 1));
  return replaced(text, at, at + 1, String.fromCharCode(flipped));
}

function swapSlices(text: string, random: Random): string {
  const [a, b, c, d] = Array.from({ length: 4 }, () => upTo(random, text.length)).sort((one, other) => one - other);
  return text.slice(0, a) + text.slice(c, d) + text.slice(b, c) + text.slice(a, b) + text.slice(d);
}

function replaceNumber(text: string, random: Random): string {
  const found = [...text.matchAll(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi)];
  if (found.length === 0) return text;
  const { index, 0: number } = pick(found, random);
  return replaced(text, index, index + number.length, pick(EXTREMES, random));
}

function changeLines(
  text: string,
  random: Random,
  change: (lines: string[], one: number, other: number) => void,
): string {
  const lines = text.split('\n');
  change(lines, upTo(random, lines.length - 1), upTo(random, lines.length - 1));
  return lines.join('\n');
}

/** The replacements of parts of JSON. */
const PARTS = [
  ...EXTREMES,
  ...EXTREMES.map((number) => `"${number}"`),
  'null',
  'true',
  '""',
  '"text"',
  '{}',
  '[]',
  '[{}]',
];

const MOST_REPLACED = 40;

/** Replaces parts of JSON by others. @returns `undefined` for what is none, and where nothing came of it. */
export function mutateJson(text: string, random: Random): string | undefined {
  let mutated = text;
  for (let count = 1; mutated === text || random() < 0.4; count++) {
    const parts = partsOf(mutated);
    if (parts.length === 0 || count > MOST_MUTATIONS) break;
    const part = pick(parts, random);
    const by = random() < 0.3 ? pick(parts, random) : pick(PARTS, random);
    mutated = mutated.replace(part, () => by);
  }
  return mutated === text ? undefined : mutated;
}

/** All that stands behind a colon, a comma or a bracket, as it is written. */
function partsOf(text: string): string[] {
  const parts: string[] = [];
  try {
    JSON.parse(text, (_key, value: unknown) => {
      const part = JSON.stringify(value);
      // Not what holds all of it.
      if (part.length < MOST_REPLACED && text.includes(part)) parts.push(part);
      return value;
    });
  } catch {
    return [];
  }
  return parts;
}
