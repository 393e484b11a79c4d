import { isDeepStrictEqual } from 'node:util';

/** Times are whole seconds and are moved twice, to the server's clock and back: each move can round up. */
const TOLERANCE_SECONDS = 2;

/**
 * Compares what a device committed with what the server holds and with what was read back.
 *
 * @param {import('nikdev-iot').Entry} committed
 * @param {readonly import('nikdev-iot/emulator').ReceivedEntry[]} held
 * @param {readonly import('nikdev-iot').Reading[]} readBack
 * @returns {string[]} The differences; none if all are equal.
 */
export function differences({ timestamp, values }, held, readBack) {
  const found = [];
  if (!isDeepStrictEqual(held, [{ timestamp, values }]))
    found.push('the server does not hold exactly what was committed');
  if (readBack.length !== values.length) found.push(`${readBack.length} of ${values.length} fields were read back`);
  for (const { fieldId, value } of values) {
    const reading = readBack.find((candidate) => candidate.fieldId === fieldId);
    if (reading?.value !== value) found.push(`${fieldId} was committed as ${value} and read back as ${reading?.value}`);
    else if (Math.abs(reading.timestamp - timestamp) > TOLERANCE_SECONDS) {
      found.push(`${fieldId} was committed at ${timestamp} and read back at ${reading.timestamp}`);
    }
  }
  return found;
}
