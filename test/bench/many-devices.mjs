import { readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Api } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { row, usedHeap } from './compare.mjs';
import { commitTwo, credentials, inFolder } from './data.mjs';
import { startServer } from './start-server.mjs';

const DEVICES = 10_000;
/** One commit of each device, and one push, in this time, in seconds: a minute would do as well, and take longer. */
const PERIOD = 20;
/** In milliseconds. */
const ANSWERED_IN = 20;

/** A program with many devices: an `Api` each, all on one storage. */
export const manyDevices = async () => [...(await inFolder(measureWaiting)), ...(await inFolder(measurePushing))];

function openAll(folder, options) {
  const storage = fileStorage(folder, { durability: 'process' });
  return Array.from({ length: DEVICES }, (_, device) => {
    const deviceId = `11111111-1111-4111-8111-${String(device).padStart(12, '0')}`;
    return new Api({ ...credentials, deviceId, storage, ...options });
  });
}

/** The heap of devices that each wait for the push of a commit. */
async function measureWaiting(folder) {
  const before = await usedHeap();
  const apis = openAll(folder, { autoPush: { everySeconds: 3600, atEntries: 1000 } });
  for (const [device, api] of apis.entries()) commitTwo(api, device);
  await Promise.all(apis.map(({ ready }) => ready));
  const megabytes = ((await usedHeap()) - before) / 1e6;
  const files = readdirSync(folder).length;
  await Promise.all(apis.map((api) => api.close()));
  const what = '10,000 Apis on one fileStorage';
  return [
    row(`many devices: ${what}, heapUsed`, `${megabytes.toFixed(0)} MB`, '≤ 150 MB', megabytes <= 150),
    row(`many devices: ${what}, files`, `${files}`, '1', files === 1),
  ];
}

/** Measures automatic pushes of entries that all commit at once, over and over. */
async function measurePushing(folder) {
  const server = await startServer(ANSWERED_IN);
  const apis = openAll(folder, { baseUrl: server.url, autoPush: { everySeconds: PERIOD, atEntries: 1000 } });
  await Promise.all(apis.map(({ ready }) => ready));
  const { user, system } = process.cpuUsage();
  for (let period = 0; period < 2; period++) {
    for (const [device, api] of apis.entries()) commitTwo(api, device);
    await setTimeout(PERIOD * 1000);
  }
  const cpu = process.cpuUsage();
  const busy = (cpu.user - user + cpu.system - system) / 1e6 / (2 * PERIOD);
  const { mostUnderWay, bySecond } = await server.report();
  await Promise.all(apis.map((api) => api.close({ push: true, timeoutSeconds: 60 })));
  server.stop();
  const mean = DEVICES / PERIOD;
  const most = Math.max(...bySecond);
  const what = `10,000 Apis that push a commit each in ${PERIOD} s`;
  return [
    row(`many devices: ${what}, uploads under way at most`, `${mostUnderWay}`, '≤ 16', mostUnderWay <= 16),
    row(
      `many devices: ${what}, the busiest second to the mean`,
      `${(most / mean).toFixed(2)}×`,
      '≤ 2.00×',
      most <= 2 * mean,
    ),
    row(`many devices: ${what}, of one core`, `${(busy * 100).toFixed(0)} %`),
  ];
}
