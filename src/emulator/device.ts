import type { Value } from '../core/model/value.js';
import { MAX_UNIX_SECONDS } from '../core/time/clock.js';
import type { DeviceStore, Latest } from '../http/device-store.js';
import type { EmulatedDevice } from './options.js';

/** An entry as the emulator received it. */
export interface ReceivedEntry {
  /** Whole Unix seconds, by the client's clock, as sent. */
  readonly timestamp: number;
  /** The values in the order in which they were sent. */
  readonly values: readonly Value[];
}

/** An emulated device. */
export interface Device extends DeviceStore {
  /** @returns Copies of all entries, in the order in which they were received. */
  entries(): ReceivedEntry[];
}

/** Makes a device without entries. @param maxEntries - How many entries are kept. */
export function createDevice({ apiKeys }: EmulatedDevice, maxEntries: number): Device {
  const rights = new Map(apiKeys.map((apiKey) => [apiKey.key.toLowerCase(), apiKey]));
  const received: ReceivedEntry[] = [];
  const latest = new Map<string, Latest>();

  return {
    rightsOf: (key) => rights.get(key.toLowerCase()),
    store({ clientTimestamp, entries }, serverNow) {
      for (const entry of entries) {
        received.push(entry);
        const timestamp = bounded(entry.timestamp + serverNow - clientTimestamp);
        for (const { fieldId, value } of entry.values) {
          if (timestamp >= (latest.get(fieldId)?.timestamp ?? -Infinity)) latest.set(fieldId, { value, timestamp });
        }
      }
      // Not each time: it moves all that stay.
      if (received.length >= 2 * maxEntries) received.splice(0, received.length - maxEntries);
    },
    latest: (fieldId) => latest.get(fieldId),
    entries: () => received.slice(-Math.min(maxEntries, received.length)).map(copy),
  };
}

/** Clients refuse times outside of this range, which the conversion to the server's clock could leave. */
const bounded = (timestamp: number): number => Math.min(Math.max(timestamp, 0), MAX_UNIX_SECONDS);

function copy({ timestamp, values }: ReceivedEntry): ReceivedEntry {
  return { timestamp, values: values.map(({ fieldId, value }) => ({ fieldId, value })) };
}
