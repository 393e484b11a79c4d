// The device of the demo: commits a reading a second, reports its queue to the demo, and obeys its commands.
// examples/device/device.mjs is the one to begin a device of your own with.
import { setInterval } from 'node:timers/promises';
import { Api } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { readMachine } from '../device/machine.mjs';
import { NUMBER, readBoiler, TOO_HOT } from './fields.mjs';

const { env } = process;
const READ_EVERY_MS = 1000;

let made = 0;
let dropped = [];
let isLiveFirst = env.DEMO_LIVE_FIRST === 'true';
let api = await open();

const COMMANDS = {
  // A refused reading is quarantined once another reading of the same push is stored: that of the next second.
  overheat() {
    commit({ boiler: TOO_HOT });
  },
  restore() {
    api.restore(api.quarantined());
  },
  drop() {
    dropped = api.quarantined().map(numberOf);
    api.dropQuarantined();
  },
  async liveFirst(isOn) {
    isLiveFirst = isOn;
    const former = api;
    api = undefined;
    await former.close();
    api = await open();
  },
};

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => stop.abort());
// The demo has ended, or was killed.
process.on('disconnect', () => stop.abort());
process.on('message', async ({ command, argument }) => {
  // While the queue is closed and opened again, nothing is done to it.
  if (api) await COMMANDS[command](argument);
  report();
});
await readUntilStopped();

/** Opens the queue, and adopts the entries of the run before. */
async function open() {
  const opened = new Api({
    deviceId: env.NIKDEV_DEVICE_ID,
    apiKey: env.NIKDEV_API_KEY,
    baseUrl: env.NIKDEV_URL,
    storage: fileStorage(env.NIKDEV_DIR),
    autoPush: { everySeconds: 0 },
    order: isLiveFirst ? 'live-first' : 'oldest-first',
    // Small lanes and requests: the way of a backlog is to be seen.
    liveSeconds: 2,
    maxEntriesPerRequest: 3,
    // An upload whose response is lost is stored once.
    idempotency: true,
  });
  opened.on('adopt', ({ entries }) => console.log(`adopted ${count(entries)} of an earlier run`));
  opened.on('push', ({ entries }) => console.log(`pushed ${count(entries)}`));
  opened.on('error', ({ message }) => console.error(message));
  opened.on('quarantine', ({ entries, message }) => console.error(`${count(entries.length)} quarantined: ${message}`));
  opened.on('warning', ({ message }) => console.error(message));
  await opened.ready;
  opened.subscribe(() => queueMicrotask(report));
  return opened;
}

async function readUntilStopped() {
  report();
  try {
    for await (const _ of setInterval(READ_EVERY_MS, undefined, { signal: stop.signal })) if (api) commit();
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
  }
  await api?.close({ push: true, timeoutSeconds: 2 }).catch(({ message }) => console.error(message));
  if (process.connected) process.disconnect();
}

function commit(measured = {}) {
  made += 1;
  const number = `${env.DEMO_RUN}-${made}`;
  api.addValues({ ...readMachine(), boiler: readBoiler(), ...measured, [NUMBER]: number });
  const { timestamp, values } = api.commit();
  // At once: a device that is killed reports nothing afterwards.
  report([number]);
  const shown = values.filter(({ fieldId }) => fieldId !== NUMBER).map(({ fieldId, value }) => `${fieldId} ${value}`);
  console.log(`${new Date(timestamp * 1000).toISOString()} ${shown.join(', ')}`);
}

function report(committed = []) {
  if (!process.connected || api === undefined) return;
  const { oldestAgeSeconds, nextTry, pushing, lastException } = api.status();
  const quarantined = api.quarantined();
  process.send({
    committed,
    waiting: api.log().map(numberOf),
    quarantined: quarantined.map(numberOf),
    refused: quarantined.map(({ values, reason, timestamp }) => ({ values, reason, timestamp })),
    dropped,
    oldestAgeSeconds,
    nextTry,
    pushing,
    failure: lastException?.message,
    isLiveFirst,
  });
}

function numberOf({ values }) {
  return values.find(({ fieldId }) => fieldId === NUMBER).value;
}

function count(entries) {
  return entries === 1 ? '1 entry' : `${entries} entries`;
}
