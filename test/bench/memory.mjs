import { Api, memoryStorage } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { row, usedHeap } from './compare.mjs';
import { commitTwo, credentials, inFolder } from './data.mjs';

const ENTRIES = 100_000;

/** The heap that a queued entry of two values takes: committed, into memory or a file, and taken over from a file. */
export async function memory() {
  const intoMemory = await heapPerEntry(memoryStorage());
  const [intoFile, reopened] = await inFolder(async (folder) => {
    const open = () => fileStorage(folder, { durability: 'process' });
    return [await heapPerEntry(open()), await heapPerEntry(open(), 0)];
  });
  const goal = (what, bytes) => row(what, `${bytes.toFixed(0)} B`, '≤ 210 B', bytes <= 210);
  return [
    goal('memory of a queued entry of two values', intoMemory),
    goal('memory of a queued entry of two values, in a file', intoFile),
    goal('memory of a queued entry of two values, reopened', reopened),
  ];
}

/** @param commits - How many entries are committed; as many as are measured are queued then. */
async function heapPerEntry(storage, commits = ENTRIES) {
  const before = await usedHeap();
  const api = new Api({ ...credentials, storage });
  for (let count = 0; count < commits; count++) commitTwo(api, count);
  await api.ready;
  const bytes = (await usedHeap()) - before;
  const { committed } = api.status();
  if (committed !== ENTRIES) throw new Error(`${committed} are queued`);
  await api.close();
  return bytes / ENTRIES;
}
