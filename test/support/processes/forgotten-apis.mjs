// Makes many Apis without closing them, in the way that is named, and reports how many are still in memory, and how many entries
// had reached the server when the process ended.
import { setTimeout as pause } from 'node:timers/promises';

const [way, dist, folder] = process.argv.slice(2);
const { Api } = await import(`${dist}index.js`);
const { fileStorage } = await import(`${dist}node.js`);
const COUNT = 500;
const credentials = {
  deviceId: '11111111-1111-4111-8111-111111111111',
  apiKey: '22222222-2222-4222-8222-222222222222',
};
let stored = 0;
const answer = async (_url, { method }) => {
  if (method === 'POST') stored += 1;
  return new Response('{"data":{"servertime":1,"values":[]}}');
};
const fetch = way === 'watched' ? () => new Promise(() => {}) : answer;
const storage = way === 'files' ? fileStorage(folder, { durability: 'process' }) : undefined;
const commitOne = (api) => {
  api.addValue('a', 1);
  api.commit();
};
const autoPush = ['pushed', 'planned'].includes(way) && { everySeconds: 3600 };
/** The uses of an Api before the program forgets it. */
const ways = {
  idle: () => {},
  files: (api) => api.ready,
  pushed: (api) => {
    api.addValue('a', 1);
    return api.commitAndPush();
  },
  read: (api) => api.get('a'),
  queued: commitOne,
  planned: commitOne,
  subscribed: (api) => void api.subscribe(() => {}),
  watched: (api) => void api.watch('a').next(),
};

/** A function of its own, so that nothing of it stays on the stack. */
async function makeOne() {
  const api = new Api({ ...credentials, fetch, storage, autoPush });
  await ways[way](api);
  return new WeakRef(api);
}

const made = [];
for (let index = 0; index < COUNT; index++) made.push(await makeOne());
await pause(50);
for (let round = 0; round < 5; round++) {
  globalThis.gc();
  await pause(10);
}
const left = made.filter((reference) => reference.deref() !== undefined).length;
// The process is listened to for as long as one client is in memory, whether its Api is or not.
const isListening = process.listenerCount('beforeExit') > 0;
process.once('exit', () => console.log(JSON.stringify({ left, isListening, stored })));
// A request that is never answered would keep the process alive.
if (way === 'watched') process.exit();
