import { type Destination, decodeDestination } from '../../../core/model/destination.js';
import type { StoredEntry } from '../../../core/model/entry.js';
import { decodeRecord } from './record.js';

/*
 * The keys of one origin. A writer writes only below its own id, so that tabs can't overwrite each other's keys:
 *
 *   nikdev-iot/1/runs                   "7"                                    counts runs that staged something
 *   nikdev-iot/1/<writer>/writer        {"deviceId":"…","baseUrl":"…"}         its destination, written before its other keys
 *   nikdev-iot/1/<writer>/<sequence>    {"version":1,"timestamp":…,"values":…} an entry
 *   nikdev-iot/1/<writer>/staged        {"version":1,"run":7,"values":…}       its staged values
 *
 * and, in a page without Web Locks,
 *
 *   nikdev-iot/1/<writer>/life          ":0000000000000007"                    its heartbeat, see heartbeat-lease.ts
 *
 * The 1 is the version of this layout: keys of other versions are ignored.
 */

/**
 * The members of `localStorage` that are used.
 *
 * @group Types of the platform and of other libraries
 */
export interface WebStorageLike {
  /** The number of keys. */
  readonly length: number;
  /** The key at an index, in an order that only changes when keys come or go; `null` beyond the last. */
  key(index: number): string | null;
  /** The value of a key; `null` if there is none. */
  getItem(key: string): string | null;
  /**
   * Sets the value of a key.
   *
   * @throws An error with the name `QuotaExceededError` if the quota is exceeded.
   */
  setItem(key: string, value: string): void;
  /** Removes a key and its value, if it exists. */
  removeItem(key: string): void;
}

const PREFIX = 'nikdev-iot/1/';
const KEY = /^nikdev-iot\/1\/([\da-z]{16})\/(?:(writer)|(staged)|(life)|([1-9]\d{0,14}))$/;

export const RUNS_KEY = `${PREFIX}runs`;
export const writerKey = (writer: string): string => `${PREFIX}${writer}/writer`;
export const stagedKey = (writer: string): string => `${PREFIX}${writer}/staged`;
export const heartbeatKey = (writer: string): string => `${PREFIX}${writer}/life`;
export const entryKey = (writer: string, sequence: number): string => `${PREFIX}${writer}/${sequence}`;

/** The name of the lock that a writer holds as long as it lives, and then its adopter. */
export const lockName = (writer: string): string => `${PREFIX}${writer}`;

/** @returns The value of a key; `null` if there is none, where mocks of `localStorage` may return `undefined`. */
export const readItem = (storage: WebStorageLike, key: string): string | null => storage.getItem(key) ?? null;

/** The keys of one writer. */
export interface OrphanKeys {
  /** Absent if the destination is unreadable. */
  destination?: Destination;
  hasStaged: boolean;
  /** Its heartbeat; absent if its page has Web Locks. */
  heartbeat?: string;
  /** The UTF-16 units of its keys and values, if measured. */
  length: number;
  readonly sequences: number[];
}

/**
 * Finds all writers by their keys.
 *
 * @param isMeasured - Whether the keys of a writer are measured, which reads all their values.
 */
export function findWriters(
  storage: WebStorageLike,
  isMeasured: (writer: string) => boolean = () => false,
): Map<string, OrphanKeys> {
  const writers = new Map<string, OrphanKeys>();
  // No other tab interferes: a browser applies the changes of other tabs between two tasks.
  for (const key of keysOf(storage)) {
    const [, writer, isWriter, isStaged, isHeartbeat, sequence] = KEY.exec(key) ?? [];
    if (writer === undefined) continue;
    const keys = writers.get(writer) ?? { hasStaged: false, length: 0, sequences: [] };
    writers.set(writer, keys);
    if (isWriter) {
      const destination = decodeDestination(readItem(storage, key) ?? '');
      if (destination !== undefined) keys.destination = destination;
    }
    if (isStaged) keys.hasStaged = true;
    if (isHeartbeat) keys.heartbeat = readItem(storage, key) ?? '';
    if (isMeasured(writer)) keys.length += key.length + (readItem(storage, key)?.length ?? 0);
    if (sequence) keys.sequences.push(Number(sequence));
  }
  return writers;
}

/** The function that lists all keys of a storage at once. */
export const KEYS = Symbol();

/** All keys. By index, 20,000 of them take Firefox a second. */
function keysOf(storage: WebStorageLike & { readonly [KEYS]?: () => readonly string[] }): readonly string[] {
  const { length } = storage;
  // A key called "length" is left out.
  const keys = storage[KEYS]?.() ?? [];
  return keys.length >= length ? keys : Array.from({ length }, (_, index) => storage.key(index) ?? '');
}

/** Reads a writer's entries in the order of their commit. Unreadable records are counted and left in place. */
export function readEntries(
  storage: WebStorageLike,
  writer: string,
  sequences: readonly number[],
): { entries: StoredEntry[]; unreadable: number } {
  const entries: StoredEntry[] = [];
  let unreadable = 0;
  for (const sequence of [...sequences].sort((one, other) => one - other)) {
    const record = readItem(storage, entryKey(writer, sequence));
    if (record === null) continue;
    const entry = decodeRecord(writer, sequence, record);
    if (entry === undefined) unreadable += 1;
    else entries.push(entry);
  }
  return { entries, unreadable };
}

/**
 * `localStorage`, of any window, without the page's own properties: in Chromium, `localStorage.key = 'x'` replaces a method
 * by a text. So the methods of its prototype are called, each looked up anew, as a page may wrap them.
 *
 * @returns `storage` unchanged, if it is not a browser's.
 */
export function unshadowed(storage: WebStorageLike): WebStorageLike & { readonly [KEYS]?: () => readonly string[] } {
  const methods: WebStorageLike = Object.getPrototypeOf(storage);
  try {
    if (Object.prototype.toString.call(storage) !== '[object Storage]') return storage;
    // Throws if it only looks like a browser's.
    methods.getItem.call(storage, '');
  } catch {
    return storage;
  }
  return {
    get length() {
      return Reflect.get(methods, 'length', storage);
    },
    [KEYS]: () => Object.keys(storage),
    key: (index) => methods.key.call(storage, index),
    getItem: (key) => methods.getItem.call(storage, key),
    setItem: (key, value) => methods.setItem.call(storage, key, value),
    removeItem: (key) => methods.removeItem.call(storage, key),
  };
}
