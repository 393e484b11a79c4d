import * as fs from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Api } from '../../../src/index.js';
import { type FileStorageOptions, fileStorage } from '../../../src/node.js';
import type { FileSystem } from '../../../src/storage/file/journal/file-system.js';
import { credentials, DEVICE_ID } from '../../support/builders/credentials.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';
import { FakeServer } from '../../support/fakes/fake-server.js';

const BASE_URL = 'https://iot.nik-dev.se/api/v1/';

function setUp(options: FileStorageOptions = {}) {
  const folder = temporaryFolder();
  const process = new FakeMachine().start();
  const calls: string[] = [];
  const watched = new Proxy(process.fs, {
    get: (real, name: keyof FileSystem) => {
      const call = Reflect.get(real, name) as (...args: unknown[]) => unknown;
      return (...args: unknown[]): unknown => {
        calls.push(name);
        return call(...args);
      };
    },
  });
  const storage = fileStorage(folder, options, { ...process, fs: watched });
  const clock = new FakeClock();
  const transport = new FakeServer();
  const open = (): Api => new Api({ ...credentials, storage }, { clock, transport });
  const text = (): string => {
    const [name = ''] = fs.readdirSync(folder).filter((file) => file.endsWith('.journal'));
    return fs.readFileSync(join(folder, name), 'utf8');
  };
  return { open, text, calls };
}

/** A record as the head of file-record.ts has it. */
const record = (body: string): string => `\n1 ${crc32(body).toString(16).padStart(8, '0')} ${body}\n`;

describe('a journal', () => {
  test('is made of records as documented: the destination once, then entries, staged values, and what is done with', async () => {
    const { open, text } = setUp();
    const api = open();
    api.addValue('text', 'ü "\n"');
    const writer = api.commit({ timestamp: 1_700_000_000 })?.id.replace(/-1$/, '');
    await undefined;
    api.addValues({ number: 21.5, on: true });
    await undefined;
    api.commit({ timestamp: 1_700_000_001 });
    api.addValue('number', 3);
    api.commit({ timestamp: 1_700_000_002 });
    await undefined;
    api.addValue('number', 4);
    await undefined;
    expect(text()).toBe(
      [
        `W ${writer} {"deviceId":"${DEVICE_ID}","baseUrl":"${BASE_URL}"}`,
        `E ${writer} 1 1700000000 [{"text":"ü \\"\\n\\""}]`,
        `S ${writer} 1 [{"number":21.5},{"on":true}]`,
        `C ${writer} 2 1700000001 [{"number":21.5},{"on":true}]`,
        `E ${writer} 3 1700000002 [{"number":3}]`,
        `S ${writer} 1 [{"number":4}]`,
      ]
        .map(record)
        .join(''),
    );
    await api.push();
    expect(text()).toMatch(new RegExp(`\n1 [0-9a-f]{8} R ${writer} 1-3\n$`));
    await api.close();
  });

  test('holds the destination of each of its writers once, however much each of them commits', async () => {
    const { open, text } = setUp({ durability: 'process' });
    const apis = [open(), open(), open()];
    for (let count = 0; count < 100; count++) {
      const api = apis[count % apis.length] as Api;
      api.addValue('count', count);
      api.commit();
    }
    expect(text().match(/ W /g)).toHaveLength(apis.length);
    for (const api of apis) await api.close();
  });
});

describe('a commit', () => {
  test.each([
    ['process', ['writeSync']],
    ['power', ['writeSync', 'fdatasyncSync']],
  ] as const)(
    'into a file, %s, makes no other calls than %j, whatever its number of values and however it was staged',
    async (durability, wanted) => {
      const { open, calls } = setUp({ durability });
      const api = open();
      api.addValue('first', 0);
      api.commit();
      await api.ready;
      for (const count of [1, 10, 1000]) {
        for (const isSavedBefore of [false, true]) {
          for (let index = 0; index < count; index++) api.addValue(`field ${index}`, 'ü'.repeat(index));
          if (isSavedBefore) await undefined;
          calls.length = 0;
          api.commit();
          expect(calls).toEqual(wanted);
        }
        await undefined;
      }
      await api.close();
    },
  );
});
