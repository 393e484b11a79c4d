import { crc32 } from 'node:zlib';

/** An entry according to its record. */
export interface ModelEntry {
  readonly id: string;
  readonly timestamp: number;
  /** The wire text of its values. */
  readonly text: string;
  readonly rejection: string | undefined;
  /** The device and the server that it is for; `undefined` where no record names them. */
  readonly destination: string | undefined;
}

/** The contents of a journal, only by the description of the format: this shares no code with the tested modules. */
export interface JournalModel {
  readonly entries: ReadonlyMap<string, ModelEntry>;
  /** By writer. */
  readonly staged: ReadonlyMap<
    string,
    { readonly run: number; readonly text: string; readonly destination: string | undefined }
  >;
  /** The lines that hold no record. */
  readonly unreadable: readonly string[];
}

/** By kind: what stands behind the writer. */
const BODIES: Readonly<Record<string, RegExp>> = {
  W: /^(.*)$/s,
  E: /^(\d{1,15}) (\d{1,15}) (.*)$/s,
  C: /^(\d{1,15}) (\d{1,15}) (.*)$/s,
  Q: /^(\d{1,15}) (\{.*\})$/s,
  R: /^(\d{1,15}(?:-\d{1,15})?(?:,\d{1,15}(?:-\d{1,15})?)*)$/,
  S: /^(\d{1,15}) (\[.*\])$/s,
};

/** The contents of a line. */
interface ModelRecord {
  readonly kind: string;
  readonly writer: string;
  /** The text behind the writer, in parts. */
  readonly parts: readonly string[];
}

/** @param bytes - One character each. */
export function modelOf(bytes: string): JournalModel {
  const destinations = new Map<string, string | undefined>();
  const entries = new Map<string, { writer: string; sequence: number; timestamp: number; text: string }>();
  const rejections = new Map<string, string>();
  const staged = new Map<string, { run: number; text: string }>();
  const unreadable: string[] = [];
  for (const line of bytes.split('\n')) {
    if (line === '') continue;
    const record = recordOf(line);
    if (record === undefined) {
      unreadable.push(line);
      continue;
    }
    const { kind, writer, parts } = record;
    const [first = '', second = '', text = ''] = parts;
    const id = `${writer}-${Number(first)}`;
    if (kind === 'W') destinations.set(writer, destinationOf(first));
    if (kind === 'C') staged.delete(writer);
    if (kind === 'E' || kind === 'C')
      entries.set(id, { writer, sequence: Number(first), timestamp: Number(second), text });
    if (kind === 'Q') rejections.set(id, second);
    if (kind === 'S' && second === '[]') staged.delete(writer);
    else if (kind === 'S') staged.set(writer, { run: Number(first), text: second });
    if (kind !== 'R') continue;
    for (const range of first.split(',')) {
      const [from = 0, to = from] = range.split('-').map(Number);
      for (const [key, entry] of entries)
        if (entry.writer === writer && entry.sequence >= from && entry.sequence <= to) entries.delete(key);
    }
  }
  return {
    entries: new Map(
      Array.from(entries, ([id, { writer, timestamp, text }]) => [
        id,
        { id, timestamp, text, rejection: rejections.get(id), destination: destinations.get(writer) },
      ]),
    ),
    staged: new Map(Array.from(staged, ([writer, one]) => [writer, { ...one, destination: destinations.get(writer) }])),
    unreadable,
  };
}

/** Most lines of most inputs are the same. */
const recordOf = remembered((line): ModelRecord | undefined => {
  const [, sum, body = ''] = /^1 ([\da-f]{8}) (.*)$/s.exec(line) ?? [];
  const bytes = Buffer.from(body, 'latin1');
  if (sum === undefined || crc32(bytes) !== Number.parseInt(sum, 16)) return undefined;
  const [, kind = '', writer = '', rest = ''] = /^([A-Z]) ([\da-z]+) (.*)$/s.exec(bytes.toString()) ?? [];
  const [, ...parts] = BODIES[kind]?.exec(rest) ?? [];
  const [first, second = ''] = parts;
  if (first === undefined) return undefined;
  if (kind === 'W' && destinationOf(first) === undefined) return undefined;
  if (kind === 'Q' && !isRefusal(second)) return undefined;
  if (kind === 'S' && valuesOf(second) === undefined) return undefined;
  // An entry has a time before 1e11, and values, in UTF-8.
  if ('EC'.includes(kind) && Number(second) >= 1e11) return undefined;
  if ('EC'.includes(kind) && !valuesOf(parts[2] ?? '')?.length) return undefined;
  if ('EC'.includes(kind) && Buffer.byteLength(bytes.toString()) !== bytes.length) return undefined;
  return { kind, writer, parts };
});

/** A destination as one text; `undefined` for what is none. */
export const destinationOf = remembered((json): string | undefined => {
  const parsed = parse(json) as { deviceId?: unknown; baseUrl?: unknown } | null | undefined;
  const { deviceId, baseUrl } = parsed ?? {};
  return typeof deviceId === 'string' && typeof baseUrl === 'string' ? JSON.stringify([deviceId, baseUrl]) : undefined;
});

/** Whether that is how a rejection is written. */
export function isRefusal(text: string): boolean {
  const { status, retryable, reason } = (parse(text) ?? {}) as Record<string, unknown>;
  if (typeof status !== 'number' || typeof reason !== 'string') return false;
  return (retryable === undefined || retryable === true) && JSON.stringify({ status, retryable, reason }) === text;
}

/** Whether an entry waits for its push once it is adopted: it is not in quarantine, or may be tried again. */
export function isQueued({ rejection }: ModelEntry): boolean {
  return rejection === undefined || (JSON.parse(rejection) as { retryable?: true }).retryable === true;
}

/** The values of a wire text, as pairs of field and value; `undefined` for what is none, to the last unit. */
export const valuesOf = remembered((text): [string, unknown][] | undefined => {
  const objects = parse(text);
  if (!Array.isArray(objects)) return undefined;
  const pairs: [string, unknown][] = [];
  let again = '';
  for (const object of objects as unknown[]) {
    if (typeof object !== 'object' || object === null || Array.isArray(object)) return undefined;
    const [pair, ...others] = Object.entries(object);
    if (pair === undefined || others.length > 0 || pair[0] === '' || !isFieldValue(pair[1])) return undefined;
    pairs.push(pair);
    again += `${again === '' ? '' : ','}{${JSON.stringify(pair[0])}:${JSON.stringify(pair[1])}}`;
  }
  // UTF-8 can't carry the text that JSON writes for half of a surrogate pair.
  return `[${again}]` === text && !/\p{Surrogate}/u.test(pairs.flat().join('\n')) ? pairs : undefined;
});

const isFieldValue = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const MOST_REMEMBERED = 20_000;

export function remembered<Result>(read: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, Result>();
  return (text) => {
    if (!known.has(text)) {
      if (known.size >= MOST_REMEMBERED) known.clear();
      known.set(text, read(text));
    }
    return known.get(text) as Result;
  };
}
