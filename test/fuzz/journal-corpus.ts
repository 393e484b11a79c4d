import type { Api } from '../../src/index.js';
import { randomOf } from '../simulation/random.js';
import { settled } from '../simulation/time.js';
import { received } from '../support/fakes/fake-server.js';
import { DEVICES, Devices } from './devices.js';

type Story = (devices: Devices) => Promise<void>;

/** Journals of all that is written to one, as the real code writes it: one character a byte. */
export async function makeJournals(): Promise<string[]> {
  const journals: string[] = [];
  for (const [index, story] of STORIES.entries()) {
    const devices = new Devices(randomOf(index + 1));
    await story(devices);
    for (const [name, text] of devices.files()) if (name.endsWith('.journal') && text !== '') journals.push(text);
  }
  return journals;
}

/** Each kind of record, in journals of the dead. */
const STORIES: readonly Story[] = [
  async (devices) => {
    const { lifecycle, open } = devices.start();
    await commitAll(open());
    lifecycle.end();
  },
  async (devices) => {
    const { lifecycle, open } = devices.start();
    const api = open({ maxEntriesPerRequest: 1 });
    await commitAll(api);
    await pushSome(devices, api);
    lifecycle.end();
  },
  // Several at once, from two sides.
  async (devices) => {
    const { lifecycle, open } = devices.start();
    const api = open({ maxQueuedEntries: 5, overflow: 'drop-oldest', maxEntriesPerRequest: 2 });
    await commitAll(api);
    await pushSome(devices, api);
    lifecycle.end();
  },
  // Taken over by another process, which uploaded a part of it.
  async (devices) => {
    const first = devices.start();
    await commitAll(first.open());
    first.lifecycle.end();
    const second = devices.start();
    const api = second.open({ maxEntriesPerRequest: 1 });
    await api.ready;
    api.addValue('taken over', true);
    api.commit();
    await pushSome(devices, api);
    second.lifecycle.end();
  },
  // Two devices' in one file.
  async (devices) => {
    const { lifecycle, open } = devices.start();
    await commitAll(open());
    await commitAll(open({ deviceId: DEVICES[1] }));
    lifecycle.end();
  },
  // Moved out of the file of one that goes on, as the other was closed.
  async (devices) => {
    const { lifecycle, open } = devices.start();
    const [staying, leaving] = [open({ deviceId: DEVICES[1] }), open()];
    await commitAll(staying);
    await commitAll(leaving);
    await leaving.close();
    await devices.time.advance(1000);
    lifecycle.end();
  },
  // Overwritten in place, on a full disk.
  async (devices) => {
    const { lifecycle, open } = devices.start();
    const api = open({ maxEntriesPerRequest: 1 });
    await commitAll(api);
    devices.machine.disk.faults.freeSpace = 0;
    await pushSome(devices, api);
    lifecycle.end();
  },
  // With an entry that requests failed over while others passed.
  async (devices) => {
    const { lifecycle, open } = devices.start();
    const api = open({ maxEntriesPerRequest: 1 });
    await commitAll(api);
    await pushPast(devices, api);
    await commitAll(api);
    lifecycle.end();
  },
];

/** Commits some of all that there is, and stages more. */
export async function commitAll(api: Api): Promise<void> {
  const values: [string, string | number | boolean][][] = [
    [
      ['temperature', 21.5],
      ['å€😀', 'on\n"\\'],
      ['__proto__', false],
    ],
    [
      ['length', -1e-7],
      ['a,b', ''],
    ],
    [['bad', 2 ** 53]],
    [
      ['temperature', 22],
      ['0', '1 00000000 E'],
    ],
    [['temperature', 23]],
    [['temperature', 24]],
  ];
  for (const [index, entry] of values.entries()) {
    for (const [field, value] of entry) api.addValue(field, value);
    // So that they are staged in the storage before they are committed.
    if (index % 2 === 0) await settled();
    api.commit(index === 1 ? { timestamp: 0 } : undefined);
  }
  api.addValue('staged', 1);
  await settled();
}

/** One is stored, one is refused, one is stored, and then the server has moved. */
export async function pushSome({ server }: { server: Devices['server'] }, api: Api): Promise<void> {
  let left = 3;
  server.answer = (body) => {
    if (body.includes('"bad"')) return received(400, { message: 'no "such" field: bad' });
    left -= 1;
    return received(left >= 0 ? 200 : 404);
  };
  await api.push().catch(() => {});
}

/** All is stored but an entry that no request with it gets past: it is quarantined. */
export async function pushPast({ server, time }: Pick<Devices, 'server' | 'time'>, api: Api): Promise<void> {
  server.answer = (body) => received(body.includes('"bad"') ? 503 : 200);
  for (let pushes = 0; api.status().quarantined === 0; pushes++) {
    if (pushes > 20) throw new Error('nothing was quarantined');
    api.addValue('passes', pushes);
    api.commit();
    await api.push().catch(() => {});
    await time.advance(60_000);
  }
}
