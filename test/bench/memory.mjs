import { Api, memoryStorage } from 'nikdev-iot';
import { credentials, fieldIds } from './data.mjs';

const ENTRIES = 100_000;

/** What a queued entry of two values takes of the heap. */
export async function memory() {
  const api = new Api({ ...credentials, storage: memoryStorage() });
  const used = () => {
    globalThis.gc();
    return process.memoryUsage().heapUsed;
  };
  const before = used();
  for (let count = 0; count < ENTRIES; count++) {
    api.addValue(fieldIds[0], count + 0.5);
    api.addValue(fieldIds[1], 'on');
    api.commit();
  }
  const bytes = (used() - before) / ENTRIES;
  await api.close();
  return [
    {
      what: 'memory of a queued entry of two values',
      goal: '≤ 450 B',
      figure: `${bytes.toFixed(0)} B`,
      reached: bytes <= 450 ? 'yes' : 'NO',
    },
  ];
}
