import type { FieldValue, Value } from '../core/value.js';
import type { EmulatedDevice, EmulatedKey } from './options.js';
import type { Upload } from './upload.js';

/** An entry as it arrived. */
export interface ReceivedEntry {
  /** Whole Unix seconds, by the client's clock, as sent. */
  readonly timestamp: number;
  /** In the order in which they were sent. */
  readonly values: readonly Value[];
}

/** A field's value with the highest time. */
interface Latest {
  readonly value: FieldValue;
  /** Whole Unix seconds, by the server's clock. */
  readonly timestamp: number;
}

/** What the server holds of one device. */
export interface Device {
  /** The rights of a key; `undefined` if the device has no such key. */
  rightsOf(key: string): EmulatedKey | undefined;
  /** @param serverNow - The server's clock, in whole Unix seconds. */
  store(upload: Upload, serverNow: number): void;
  /** `undefined` for a field that was never written. */
  latest(fieldId: string): Latest | undefined;
  /** Copies of all entries, in the order in which they arrived. */
  entries(): ReceivedEntry[];
}

/** Makes a device that holds nothing yet. */
export function createDevice({ apiKeys }: EmulatedDevice): Device {
  const rights = new Map(apiKeys.map((apiKey) => [apiKey.key.toLowerCase(), apiKey]));
  const received: ReceivedEntry[] = [];
  const latest = new Map<string, Latest>();

  return {
    rightsOf: (key) => rights.get(key.toLowerCase()),
    store({ clientTimestamp, entries }, serverNow) {
      for (const entry of entries) {
        received.push(entry);
        const timestamp = entry.timestamp + serverNow - clientTimestamp;
        for (const { fieldId, value } of entry.values) {
          if (timestamp >= (latest.get(fieldId)?.timestamp ?? -Infinity)) latest.set(fieldId, { value, timestamp });
        }
      }
    },
    latest: (fieldId) => latest.get(fieldId),
    entries: () => received.map(copy),
  };
}

function copy({ timestamp, values }: ReceivedEntry): ReceivedEntry {
  return { timestamp, values: values.map(({ fieldId, value }) => ({ fieldId, value })) };
}
