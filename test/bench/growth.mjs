import { Api, memoryStorage } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { median, row, usedHeap } from './compare.mjs';
import { commitTwo, credentials, inFolder } from './data.mjs';
import { growthByTabs, TABS } from './growth-tabs.mjs';

const DEPTHS = [10, 10_000, 1_000_000];
const FLEETS = [1, 100, 10_000];
const SLICE = 1000;

/** How costs grow with the length of the queue, the number of `Api`s and the number of tabs; for a commit see `commit-memory`, too. */
export async function growth() {
  // Warms up, so that the first figures are not those of code that is not compiled yet.
  await ofQueue(10_000);
  await ofFleet(100);
  const queues = [];
  for (const depth of DEPTHS) queues.push(await ofQueue(depth));
  const fleets = [];
  for (const count of FLEETS) fleets.push(await ofFleet(count));
  const tabs = await growthByTabs();
  return [
    grown('push of 1,000 into memory', DEPTHS, queues, ({ push }) => [push, 'ms']),
    grown('reopen all from a file', DEPTHS, queues, ({ reopen }) => [reopen, 'ms']),
    grown('heap of an entry', DEPTHS.slice(1), queues.slice(1), ({ bytes }) => [bytes, 'B']),
    grown('commit of each Api', FLEETS, fleets, ({ commit }) => [commit * 1000, 'µs']),
    grown('heap of an Api', FLEETS.slice(1), fleets.slice(1), ({ bytes }) => [bytes / 1000, 'kB']),
    ...(tabs ? rowsOfTabs(tabs) : [row('growth with tabs', 'no Chromium found: set CHROME_PATH')]),
  ];
}

const rowsOfTabs = (tabs) => [
  grown('tabs: commit', TABS, tabs, ({ commit }) => [commit * 1000, 'µs']),
  grown('tabs: push of 1,000', TABS, tabs, ({ push }) => [push, 'ms']),
  grown('tabs: reload with 1,000 queued', TABS, tabs, ({ reopen }) => [reopen, 'ms']),
  grown('tabs: heap of an entry', TABS, tabs, ({ heap }) => [heap, 'B']),
];

function grown(what, sizes, results, read) {
  const shown = results.map((result) => read(result)[0].toLocaleString('en', { maximumSignificantDigits: 3 }));
  const of = sizes.map((size) => size.toLocaleString('en')).join(' / ');
  return row(`growth, ${of}: ${what}`, `${shown.join(' / ')} ${read(results[0])[1]}`);
}

/** In milliseconds, and bytes. */
async function ofQueue(depth) {
  const before = await usedHeap();
  const api = new Api({ ...credentials, storage: memoryStorage(), fetch: acceptingFirst });
  for (let count = 0; count < depth; count++) commitTwo(api, count);
  const bytes = ((await usedHeap()) - before) / depth;
  const pushes = [];
  for (let round = 0; round < 9; round++) {
    commitSome(api, SLICE);
    requests = 0;
    const start = performance.now();
    await api.push().catch(() => {});
    pushes.push(performance.now() - start);
  }
  api.resetUnpushedEntries();
  await api.close();
  return { bytes, push: median(pushes), reopen: await inFolder((folder) => reopening(folder, depth)) };
}

let requests = 0;

/** Stores the first request of a push, and ends the push by its second. */
async function acceptingFirst() {
  requests += 1;
  return new Response('{}', { status: requests === 1 ? 200 : 429 });
}

async function reopening(folder, depth) {
  const open = () => new Api({ ...credentials, storage: fileStorage(folder, { durability: 'process' }) });
  const left = open();
  for (let count = 0; count < depth; count++) commitTwo(left, count);
  await left.close();
  const start = performance.now();
  const api = open();
  await api.ready;
  const milliseconds = performance.now() - start;
  await api.close();
  return milliseconds;
}

async function ofFleet(count) {
  const before = await usedHeap();
  const storage = memoryStorage();
  const apis = Array.from({ length: count }, () => new Api({ ...credentials, storage }));
  await Promise.all(apis.map(({ ready }) => ready));
  for (const api of apis) commitTwo(api, 0);
  const bytes = ((await usedHeap()) - before) / count;
  const commit = timesOf(21, () => apis.forEach((api, index) => void commitTwo(api, index))) / count;
  for (const api of apis) api.resetUnpushedEntries();
  await Promise.all(apis.map((api) => api.close()));
  return { bytes, commit };
}

function commitSome(api, count) {
  for (let index = 0; index < count; index++) commitTwo(api, index);
}

function timesOf(rounds, run) {
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return median(times);
}
