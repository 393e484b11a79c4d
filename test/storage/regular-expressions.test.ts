import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { codeOf } from '../../src/storage/file/journal/file-io.js';
import { isOurs, parseName } from '../../src/storage/file/journal/journal-name.js';
import { isNewer, readRecord } from '../../src/storage/shared/journal/record.js';
import { decodeRecord, decodeStaged } from '../../src/storage/web/records/record.js';

const lineOf = (text: string) => {
  const bytes = Buffer.from(text);
  return { bytes, start: 0, end: bytes.length };
};
const record = (body: string): string => `1 ${crc32(body).toString(16).padStart(8, '0')} ${body}`;

/** The least time that a call takes on an input: the machine may be busy with something else. */
function timeOf(run: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const start = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(start);
    return user + system;
  });
  return Math.min(...times);
}

/** Texts that are no match only at their end, after as many tries as a pattern can make. */
const WORST: Readonly<Record<string, readonly [make: (count: number) => string, read: (text: string) => unknown]>> = {
  'a record of localStorage that begins its values again and again': [
    (count) => `{"version":1,"timestamp":1,"rejection":{${'"},"values":'.repeat(count)}`,
    (text) => decodeRecord('a', 1, text),
  ],
  'a record of localStorage with a rejection without end': [
    (count) => `{"version":1,"timestamp":1,"rejection":{${'"'.repeat(10 * count)}}`,
    (text) => decodeRecord('a', 1, text),
  ],
  'a record of localStorage of braces': [
    (count) => `{"version":1,"timestamp":1,"values":${'}'.repeat(10 * count)}x`,
    (text) => decodeRecord('a', 1, text),
  ],
  'staged values of localStorage of braces': [
    (count) => `{"version":1,"run":1,"values":${'}'.repeat(10 * count)}x`,
    decodeStaged,
  ],
  'a journal’s removal of many ranges, the last of which is none': [
    (count) => record(`R a ${'1-2,'.repeat(count)}x`),
    (text) => readRecord(lineOf(text)),
  ],
  'a journal’s staged values that are none': [
    (count) => record(`S a ${'1'.repeat(10)} ${' '.repeat(10 * count)}`),
    (text) => readRecord(lineOf(text)),
  ],
  'a journal’s rejection that is none': [
    (count) => record(`Q a 1 ${'1 '.repeat(10 * count)}`),
    (text) => readRecord(lineOf(text)),
  ],
  'a journal’s entry of values without end': [
    (count) => record(`E a 1 1 [${'{"a":1},'.repeat(count)}`),
    (text) => readRecord(lineOf(text)),
  ],
  'a journal’s line of digits': [(count) => '1'.repeat(10 * count), (text) => isNewer(lineOf(text))],
  'a name of letters': [
    (count) => `nikdev-iot-1_${'a_'.repeat(10 * count)}`,
    (name) => [parseName(name), isOurs(name)],
  ],
  'an error’s code': [(count) => 'A'.repeat(10 * count), (code) => codeOf({ code })],
};

test.each(Object.entries(WORST))('%s is judged in a time that grows with its length', (_what, [make, read]) => {
  const [short, long] = [make(2000), make(20_000)];
  // Compiled before it is timed.
  for (let run = 0; run < 20; run++) read(make(100));
  // Ten times as much takes a hundred times as long where that is quadratic; shorter times than a millisecond say nothing.
  expect(timeOf(() => read(long))).toBeLessThan(
    40 *
      Math.max(
        timeOf(() => read(short)),
        1000,
      ),
  );
});
