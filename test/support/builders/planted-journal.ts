import { encodeEntry, encodeWriter } from '../../../src/storage/shared/journal/record.js';
import { destination } from './stored-entry.js';

/** A name that a journal of nobody has. */
export const PLANTED = 'nikdev-iot-1_free_planted000000000.journal';
export const PLANTED_WRITER = 'planted000000000';

/** The text of a journal with one entry of these values for the device of the tests, whatever they are. */
export function plantedJournal(values = '[{"t":666}]', { deviceId, baseUrl } = destination): string {
  const entry = { writer: PLANTED_WRITER, sequence: 1, timestamp: 1, values, bytes: Buffer.byteLength(values) };
  return encodeWriter(PLANTED_WRITER, { deviceId, baseUrl }) + encodeEntry(entry);
}
