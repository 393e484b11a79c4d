import { crc32 } from 'node:zlib';
import type { Bytes } from './bytes.js';
import type { Names } from './disk.js';

/** An entry as the simulation's own parser reads it from a storage. */
export interface FoundEntry {
  readonly id: string;
  readonly timestamp: number;
  readonly text: string;
  readonly destination: string;
}

/** The contents of a storage. */
export interface StorageContents {
  readonly entries: ReadonlyMap<string, FoundEntry>;
  /** Whether any part of the storage contains a marker. */
  contains(marker: string | Buffer): boolean;
}

const KEY = /^nikdev-iot\/1\/([\da-z]{16})\/(\d+)$/;
const RECORD =
  /^\{"version":1,"timestamp":(\d+),(?:"rejection":\{"status":\d+,(?:"retryable":true,)?"reason":"(?:[^"\\]|\\.)*"\},)?"values":(\[.*\])\}$/s;

type Items = { readonly items: ReadonlyMap<string, string>; readonly version: number };
const readOf = new WeakMap<Items, { readonly version: number; readonly contents: StorageContents }>();

export function readItems(origin: Items): StorageContents {
  const known = readOf.get(origin);
  if (known?.version === origin.version) return known.contents;
  const contents = parseItems(origin.items);
  readOf.set(origin, { version: origin.version, contents });
  return contents;
}

function parseItems(items: ReadonlyMap<string, string>): StorageContents {
  const entries = new Map<string, FoundEntry>();
  for (const [key, value] of items) {
    const [, writer, sequence] = KEY.exec(key) ?? [];
    const [, timestamp, text] = RECORD.exec(value) ?? [];
    const destination = items.get(`nikdev-iot/1/${writer}/writer`);
    if (writer === undefined || text === undefined || destination === undefined || !isJson(text)) continue;
    const id = `${writer}-${sequence}`;
    entries.set(id, { id, timestamp: Number(timestamp), text, destination: destinationOf(destination) });
  }
  return {
    entries,
    contains: (marker) => {
      for (const value of items.values()) if (value.includes(String(marker))) return true;
      return false;
    },
  };
}

/** A journal's contents. */
export interface JournalRead {
  readonly entries: ReadonlyMap<string, FoundEntry>;
  /** The bytes of the values that are queued and staged. */
  readonly wantedBytes: number;
  /** The lines with a right checksum. */
  readonly records: readonly string[];
}

const read = new WeakMap<Bytes, { readonly version: number; readonly journal: JournalRead }>();

/** @param of - The contents in the page cache, or on the platter. */
export function readFolder(names: Names, of: 'cached' | 'durable'): StorageContents {
  const entries = new Map<string, FoundEntry>();
  for (const [name, inode] of names) {
    if (!name.endsWith('.journal')) continue;
    for (const [id, entry] of readJournal(inode[of]).entries) entries.set(id, entry);
  }
  return {
    entries,
    contains: (marker) => {
      for (const inode of names.values()) if (inode[of].view().includes(marker)) return true;
      return false;
    },
  };
}

/** The bytes of a record of an entry or a quarantine beside its text, and of the record of a writer: rounded up. */
const RECORD_BYTES = 64;
const WRITER_BYTES = 160;

export function readJournal(bytes: Bytes): JournalRead {
  const known = read.get(bytes);
  if (known?.version === bytes.version) return known.journal;
  const journal = parse(bytes.view().toString());
  read.set(bytes, { version: bytes.version, journal });
  return journal;
}

function parse(text: string): JournalRead {
  const destinations = new Map<string, string>();
  const entries = new Map<string, Omit<FoundEntry, 'destination'> & { readonly writer: string }>();
  const staged = new Map<string, number>();
  const refused = new Map<string, number>();
  const records: string[] = [];
  for (const line of text.split('\n')) {
    const body = line.slice(11);
    const [, checksum, kind, writer = '', rest = ''] = /^1 ([\da-f]{8}).([WECQRS]) (\S+) (.*)$/s.exec(line) ?? [];
    if (kind === undefined || checksum !== crc32(body).toString(16).padStart(8, '0')) continue;
    records.push(line);
    if (kind === 'W') destinations.set(writer, destinationOf(rest));
    if (kind === 'S') staged.set(writer, Buffer.byteLength(rest));
    if (kind === 'C') staged.delete(writer);
    if (kind === 'E' || kind === 'C') {
      const [, sequence, timestamp, values = ''] = /^(\d+) (\d+) (.*)$/s.exec(rest) ?? [];
      const id = `${writer}-${sequence}`;
      entries.set(id, { id, writer, timestamp: Number(timestamp), text: values });
    }
    if (kind === 'Q') refused.set(`${writer}-${rest.slice(0, rest.indexOf(' '))}`, Buffer.byteLength(rest));
    if (kind === 'R') {
      for (const range of rest.split(',')) {
        const [first = 0, last = first] = range.split('-').map(Number);
        for (let sequence = first; sequence <= last; sequence++) entries.delete(`${writer}-${sequence}`);
      }
    }
  }
  const found = new Map<string, FoundEntry>();
  let wantedBytes = 0;
  const writers = new Set<string>();
  for (const { writer, ...entry } of entries.values()) {
    writers.add(writer);
    wantedBytes += Buffer.byteLength(entry.text) + RECORD_BYTES;
    if (refused.has(entry.id)) wantedBytes += (refused.get(entry.id) ?? 0) + RECORD_BYTES;
    const destination = destinations.get(writer);
    if (destination !== undefined) found.set(entry.id, { ...entry, destination });
  }
  wantedBytes += writers.size * WRITER_BYTES;
  for (const bytes of staged.values()) wantedBytes += bytes;
  return { entries: found, wantedBytes, records };
}

/** A destination as one text, to be compared. */
export function destinationOf(json: string): string {
  const { deviceId, baseUrl } = JSON.parse(json) as { deviceId: string; baseUrl: string };
  return `${deviceId} ${baseUrl}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
