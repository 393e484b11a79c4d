import { decodeRange } from '../../core/model/entry-ids.js';

/** Sequence numbers from `first` to `last`, both included. */
export type Range = readonly [first: number, last: number];

/** A set of sequence numbers: ascending ranges that neither overlap nor touch. */
export type Ranges = readonly Range[];

/** @param sequences - In any order; repeated numbers count once. */
export function rangesOf(sequences: Iterable<number>): Ranges {
  return join(Array.from(sequences, (sequence): Range => [sequence, sequence]));
}

export const union = (one: Ranges, other: Ranges): Ranges => join([...one, ...other]);

export function includes(ranges: Ranges, sequence: number): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle] as Range)[1] < sequence) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low];
  return range !== undefined && range[0] <= sequence;
}

/**
 * Encodes ranges as `12-40,42`.
 *
 * @param maxLength - Of the text. Ranges that do not fit are left out, those with the lowest numbers first.
 */
export function encodeRanges(ranges: Ranges, maxLength: number): string {
  let text = '';
  for (const [first, last] of [...ranges].reverse()) {
    const range = first === last ? String(first) : `${first}-${last}`;
    const longer = text === '' ? range : `${range},${text}`;
    if (longer.length > maxLength) return text;
    text = longer;
  }
  return text;
}

/** @returns The ranges; malformed parts of the text are left out, so that their entries are sent again. */
export function decodeRanges(text: string): Ranges {
  return join(
    text.split(',').flatMap((part): Range[] => {
      const range = decodeRange(part);
      return range ? [range] : [];
    }),
  );
}

function join(ranges: Range[]): Ranges {
  const joined: [first: number, last: number][] = [];
  for (const [first, last] of ranges.sort(([one], [other]) => one - other)) {
    const latest = joined.at(-1);
    if (latest !== undefined && first <= latest[1] + 1) latest[1] = Math.max(latest[1], last);
    else joined.push([first, last]);
  }
  return joined;
}
