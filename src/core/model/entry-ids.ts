/*
 * The header of an upload that names each entry of the body, in the order of the body:
 *
 *   x-entry-ids: 4k9d0c2m1x7q8z5b/12-40,42;0a1b2c3d4e5f6g7h/7
 *                └─── writer ───┘ └ sequence numbers
 *
 * A range counts up, both ends included; a writer may come several times.
 */
export const ENTRY_IDS = 'x-entry-ids';

/** The longest value of the header in one request, so that its line stays within 4 KiB. */
export const MAX_ENTRY_IDS_LENGTH = 4080;

/** The identity of an entry: no two entries of a device share it. */
export interface EntryIdentity {
  readonly writer: string;
  readonly sequence: number;
}

/**
 * Names entries, up to a length.
 *
 * @returns The value of the header, and how many of the first entries it names: at least one.
 */
export function encodeEntryIds(
  entries: readonly EntryIdentity[],
  maxLength = Number.POSITIVE_INFINITY,
): { readonly text: string; readonly count: number } {
  let text = '';
  let start = '';
  let last: EntryIdentity | undefined;
  for (const [count, entry] of entries.entries()) {
    const { writer, sequence } = entry;
    const isSameWriter = last?.writer === writer;
    const isNext = isSameWriter && last?.sequence === sequence - 1;
    // Writers of this SDK's storages have only digits and letters; those of other storages may have any id.
    const between = isSameWriter ? ',' : `${text && ';'}${encodeURIComponent(writer)}/`;
    const longer = isNext ? `${start}-${sequence}` : `${text}${between}${sequence}`;
    if (!isNext) start = longer;
    if (longer.length > maxLength && count > 0) return { text, count };
    text = longer;
    last = entry;
  }
  return { text, count: entries.length };
}

const GROUP = /^([\w.%!~*'()-]+)\/([\d,-]+)$/;
const RANGE = /^([1-9]\d{0,15})(?:-([1-9]\d{0,15}))?$/;

/** Reads `12-40` or `42`. @returns `undefined` unless it is a range of safe integers that counts up. */
export function decodeRange(text: string): readonly [first: number, last: number] | undefined {
  const [, first = '', end = first] = RANGE.exec(text) ?? [];
  const range = [Number(first), Number(end)] as const;
  return first !== '' && Number.isSafeInteger(range[1]) && range[0] <= range[1] ? range : undefined;
}

/**
 * Reads the names of the entries of a body.
 *
 * @param count - How many entries the body has: however far a range goes, no more are read.
 * @returns `undefined` unless the text names so many entries. A writer is as in the text, percent-encoded there.
 */
export function decodeEntryIds(text: string, count: number): EntryIdentity[] | undefined {
  const ranges = decodeRanges(text);
  if (countOf(ranges) !== count) return undefined;
  return ranges.flatMap(({ writer, first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => ({ writer, sequence: first + index })),
  );
}

/** Whether a text names so many entries. */
export const namesAll = (text: string, count: number): boolean => countOf(decodeRanges(text)) === count;

interface NamedRange {
  readonly writer: string;
  readonly first: number;
  readonly last: number;
}

/** @returns For a malformed part of the text a range whose ends are no numbers. */
function decodeRanges(text: string): NamedRange[] {
  return (text === '' ? [] : text.split(';')).flatMap((group) => {
    const [, writer = '', ranges = ''] = GROUP.exec(group) ?? [];
    return ranges.split(',').map((part) => {
      const [first, last] = decodeRange(part) ?? [Number.NaN, Number.NaN];
      return { writer, first, last };
    });
  });
}

/** @returns `NaN` if a range has no ends. */
const countOf = (ranges: readonly NamedRange[]): number =>
  ranges.reduce((sum, { first, last }) => sum + (last - first + 1), 0);
