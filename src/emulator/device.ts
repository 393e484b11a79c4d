import type { EntryIdentity } from '../core/model/entry-ids.js';
import type { FieldValue, Value } from '../core/model/value.js';
import { MAX_UNIX_SECONDS } from '../core/time/clock.js';
import type { KeyRights } from '../http/store.js';
import type { Upload } from '../http/upload-schema.js';
import type { EmulatedDevice } from './options.js';

/** An entry as the emulator received it. */
export interface ReceivedEntry {
  /** Whole Unix seconds, by the client's clock, as sent. */
  readonly timestamp: number;
  /** The values in the order in which they were sent. */
  readonly values: readonly Value[];
}

/** The value of a field with the latest time. */
export interface Latest {
  readonly value: FieldValue;
  /** Whole Unix seconds, by the server's clock. */
  readonly timestamp: number;
}

/** An emulated device. */
export interface Device {
  /** @returns The rights of an API key; `undefined` if the device does not have this key. */
  rightsOf(key: string): KeyRights | undefined;
  /**
   * Stores an upload. An entry whose `id` was stored before is ignored.
   *
   * @param serverNow - The server's clock, in whole Unix seconds.
   * @returns The entries that were not ignored.
   */
  store(upload: Upload, serverNow: number): ReceivedEntry[];
  /** @returns `undefined` for a field without a value. */
  latest(fieldId: string): Latest | undefined;
  /** @returns Copies of all entries, in the order in which they were received. */
  entries(): ReceivedEntry[];
}

/** Makes a device without entries. @param maxEntries - How many entries are kept. */
export function createDevice({ apiKeys }: EmulatedDevice, maxEntries: number): Device {
  const rights = new Map(apiKeys.map((apiKey) => [apiKey.key.toLowerCase(), apiKey]));
  const received: ReceivedEntry[] = [];
  const latest = new Map<string, Latest>();
  const storedIds = new Set<string>();
  const isStored = (id: EntryIdentity | undefined): boolean => {
    const { size } = storedIds;
    return id !== undefined && storedIds.add(`${id.writer}/${id.sequence}`).size === size;
  };

  return {
    rightsOf: (key) => rights.get(key.toLowerCase()),
    store({ clientTimestamp, entries }, serverNow) {
      const added: ReceivedEntry[] = [];
      for (const { id, timestamp: sent, values } of entries) {
        if (isStored(id)) continue;
        added.push({ timestamp: sent, values });
        const timestamp = bounded(sent + serverNow - clientTimestamp);
        for (const { fieldId, value } of values) {
          if (timestamp >= (latest.get(fieldId)?.timestamp ?? -Infinity)) latest.set(fieldId, { value, timestamp });
        }
      }
      for (const entry of added) received.push(entry);
      // Not each time: it moves all that stay.
      if (received.length >= 2 * maxEntries) received.splice(0, received.length - maxEntries);
      return added;
    },
    latest: (fieldId) => latest.get(fieldId),
    entries: () => received.slice(-Math.min(maxEntries, received.length)).map(copyOf),
  };
}

/** Clients refuse times outside of this range, which the conversion to the server's clock could leave. */
const bounded = (timestamp: number): number => Math.min(Math.max(timestamp, 0), MAX_UNIX_SECONDS);

/** A copy of an entry, so that no caller changes what is stored. */
export function copyOf({ timestamp, values }: ReceivedEntry): ReceivedEntry {
  return { timestamp, values: values.map(({ fieldId, value }) => ({ fieldId, value })) };
}
