import { readdirSync } from 'node:fs';
import { Api } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';

/*
 * A device whose heap is limited, run with --expose-gc:
 *
 *   fill <folder> <options> <bytes> <journals> <writers>   commits until what is queued takes so much of the heap, in so many
 *                                                         journals of so many writers each and one of another device, says
 *                                                         `held <count>` and kills itself
 *   push <folder> <options>                               says `adopted <count>`, pushes all, says `pushed <count> <left>`
 *   part <folder> <options>                               the same, once what another device left is in a file of its own
 */
const [role, folder, json, bytes, journals, writers] = process.argv.slice(2);
const options = JSON.parse(json);
const OTHER_DEVICE = '33333333-3333-4333-8333-333333333333';
/** So many commits show how much of the heap a queued entry takes. */
const SAMPLE = 20_000;
/** How many times faster than ours its clock goes where it waits for what is done after a minute. */
const SPEED = 1000;

const openStorage = () => fileStorage(folder, { durability: 'process' });
/** Listens to warnings, which would go to stderr otherwise. */
function open(storage, platform) {
  const api = new Api({ ...options, storage }, platform);
  api.on('warning', () => {});
  return api;
}

const hurriedClock = {
  now: () => Date.now(),
  monotonic: () => performance.now() * SPEED,
  random: () => Math.random(),
  setTimer(run, milliseconds) {
    const timer = setTimeout(run, milliseconds / SPEED);
    return () => clearTimeout(timer);
  },
};

function usedHeap() {
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

async function fill() {
  const storages = Array.from({ length: Number(journals) }, openStorage);
  const apis = storages.flatMap((storage) => Array.from({ length: Number(writers) }, () => open(storage)));
  const others = storages.map((storage) => new Api({ ...options, deviceId: OTHER_DEVICE, storage }));
  await Promise.all([...apis, ...others].map(({ ready }) => ready));
  for (const other of others) {
    other.addValue('number', 0);
    other.commit();
  }
  let count = 0;
  const commitUpTo = (last) => {
    while (count < last) {
      const api = apis[count % apis.length];
      api.addValue('number', ++count);
      api.addValue('ratio', count / 7);
      api.commit();
    }
  };
  // Measured twice only: V8 gives up where a heap that is nearly full is collected again and again.
  const empty = usedHeap();
  commitUpTo(SAMPLE);
  const entryBytes = (usedHeap() - empty) / SAMPLE;
  commitUpTo((bytes - empty) / entryBytes);
  console.log(`held ${count}`);
  process.kill(process.pid, 'SIGKILL');
}

async function push(platform, isReady = () => true) {
  const api = open(openStorage(), platform);
  await api.ready;
  console.log(`adopted ${api.status().committed}`);
  while (!isReady()) await new Promise((resolve) => setTimeout(resolve, 10));
  const { pushed } = await api.push();
  console.log(`pushed ${pushed} ${api.status().committed}`);
  await api.close();
}

const isParted = () => readdirSync(folder).some((name) => name.includes('_free_'));
const roles = { fill, push: () => push(), part: () => push({ clock: hurriedClock }, isParted) };
await roles[role]();
