import { Api, memoryStorage } from 'nikdev-iot';
import { row } from './compare.mjs';
import { commitTwo, credentials } from './data.mjs';

const ENTRIES = 100_000;

/** What a queued entry of two values takes of the heap. */
export async function memory() {
  const api = new Api({ ...credentials, storage: memoryStorage() });
  const used = () => {
    globalThis.gc();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  for (let count = 0; count < ENTRIES; count++) commitTwo(api, count);
  const bytes = (used() - before) / ENTRIES;
  await api.close();
  return [row('memory of a queued entry of two values', `${bytes.toFixed(0)} B`, '≤ 450 B', bytes <= 450)];
}
