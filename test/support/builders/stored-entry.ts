import type { Destination } from '../../../src/core/model/destination.js';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import { encodeValues } from '../../../src/core/model/values-json.js';
import type { Writer } from '../../../src/core/ports/storage.js';
import { DEVICE_ID } from './credentials.js';

/** The destination of the tests. */
export const destination: Destination = { deviceId: DEVICE_ID, baseUrl: 'https://iot.nik-dev.se/api/v1/' };
/** Destinations that differ from it in the device or in the server. */
export const otherDestinations: readonly Destination[] = [
  { ...destination, deviceId: '33333333-3333-4333-8333-333333333333' },
  { ...destination, baseUrl: 'https://elsewhere.example/api/v1/' },
];

/** The length of a text in UTF-8. */
export const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** An entry of one field, as `writer` would save it. */
export function entryOf(writer: Writer, sequence: number, value: string | number = sequence): StoredEntry {
  const values = encodeValues([{ fieldId: 'a', value }]);
  const bytes = byteLength(values);
  return { writer: writer.id, sequence, timestamp: 1_700_000_000 + sequence, values, bytes };
}
