import { readdirSync } from 'node:fs';
import { Api } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { row, usedHeap } from './compare.mjs';
import { commitTwo, credentials, inFolder } from './data.mjs';

const DEVICES = 10_000;

/** A gateway for many devices: an `Api` each, all on one storage, each with a commit that waits for its push. */
export const gateway = () => inFolder(measure);

async function measure(folder) {
  const storage = fileStorage(folder, { durability: 'process' });
  const before = await usedHeap();
  const apis = Array.from({ length: DEVICES }, (_, device) => {
    const deviceId = `11111111-1111-4111-8111-${String(device).padStart(12, '0')}`;
    return new Api({ ...credentials, deviceId, storage, autoPush: { everySeconds: 3600, atEntries: 1000 } });
  });
  for (const [device, api] of apis.entries()) commitTwo(api, device);
  await Promise.all(apis.map(({ ready }) => ready));
  const megabytes = ((await usedHeap()) - before) / 1e6;
  const files = readdirSync(folder).length;
  await Promise.all(apis.map((api) => api.close()));
  const what = '10,000 Apis on one fileStorage';
  return [
    row(`gateway: ${what}, heapUsed`, `${megabytes.toFixed(0)} MB`, '≤ 150 MB', megabytes <= 150),
    row(`gateway: ${what}, files`, `${files}`, '1', files === 1),
  ];
}
