import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Api } from '../../../src/index.js';
import { commitEach } from '../../support/builders/api.js';
import { FilePlace } from '../../support/fakes/places.js';

const idsOf = (api: Api): string[] => api.log().map(({ id }) => id);

describe('a journal with a malformed record that has a right checksum', () => {
  /** Leaves two entries of a run that crashed, and behind them such a record. @returns The entries' ids. */
  async function leave(
    place: FilePlace,
    malformed: (writer: string) => string,
  ): Promise<{ ids: string[]; line: string }> {
    const before = place.open();
    const ids = commitEach(before, 1, 2).map(({ id }) => id);
    place.crash(before);
    const body = malformed(ids[0]?.slice(0, 16) ?? '');
    const line = `1 ${crc32(body).toString(16).padStart(8, '0')} ${body}`;
    const [[name, text] = ['', '']] = place.stored();
    place.put(name, `${text}\n${line}\n`);
    return { ids, line };
  }

  test.each<[string, (writer: string) => string]>([
    ['a destination that is no JSON', (writer) => `W ${writer} {"deviceId"`],
    ['a destination to no device', (writer) => `W ${writer} {"baseUrl":"https://iot.example/"}`],
    ['an entry whose number is none', (writer) => `E ${writer} one 1 [{"a":1}]`],
    ['an entry whose time is none', (writer) => `C ${writer} 3 now [{"a":1}]`],
    ['an entry without values', (writer) => `E ${writer} 3`],
    ['a reason that is none', (writer) => `Q ${writer} 1 {"status":"400"}`],
    ['staged values that are none', (writer) => `S ${writer} 1 [{"a":null}]`],
    ['ranges that are none', (writer) => `R ${writer} 1,2-`],
    ['a kind that is none', (writer) => `Ex${writer} 3 1 [{"a":1}]`],
    ['a writer that is none', (writer) => `E ${writer}\r 3 1 [{"a":1}]`],
  ])('reads all others, reports it, and keeps it: %s', async (_what, malformed) => {
    const place = new FilePlace();
    const { ids, line } = await leave(place, malformed);
    const api = await place.reopen();
    expect(idsOf(api)).toEqual(ids);
    expect(api.status().warnings).toMatchObject([{ code: 'unreadable-records' }]);
    await api.push();
    await api.close();
    expect([...place.stored().values()].join('\n').split('\n')).toContain(line);
  });

  test('is read at once where a removal names more entries than can exist', async () => {
    const place = new FilePlace();
    await leave(place, (writer) => `R ${writer} 2-999999999999999`);
    const api = await place.reopen();
    expect(idsOf(api)).toEqual([expect.stringMatching(/-1$/)]);
  });
});
