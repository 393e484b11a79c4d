import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Api, gzip, isApiException } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { readApiKey } from './api-key.mjs';
import { readMachine } from './machine.mjs';

const { env } = process;
const FOLDER = env.NIKDEV_DIR || 'readings';
const READ_EVERY_MS = 1000;

const USAGE = 'usage: node device.mjs [--once] [--live-first] [--max-age <hours>] [--gzip] [--deadband <points>]';

const flags = readFlags();
const { once } = flags;

const api = connect();
if (once) await readOnce();
else await readUntilStopped();

function readFlags() {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: 'boolean', default: false },
        'live-first': { type: 'boolean', default: false },
        'max-age': { type: 'string' },
        gzip: { type: 'boolean', default: false },
        deadband: { type: 'string' },
      },
    });
    return values;
  } catch (exception) {
    return fail(`${exception.message}\n${USAGE}`);
  }
}

function connect() {
  try {
    return new Api({
      deviceId: env.NIKDEV_DEVICE_ID,
      apiKey: readApiKey(env),
      baseUrl: env.NIKDEV_URL || undefined,
      fields: {
        cpu: field(env.NIKDEV_FIELD_CPU || 'cpu'),
        memory: field(env.NIKDEV_FIELD_MEMORY || 'memory'),
        temperature: field(env.NIKDEV_FIELD_TEMPERATURE || 'temperature'),
      },
      // Committed values are on the disk: they survive kill -9 and power cuts.
      storage: fileStorage(FOLDER),
      // At once as long as pushes succeed; after a failure, with growing pauses.
      autoPush: !once && { everySeconds: 0 },
      // A key that was revoked by mistake must not cost readings.
      onRefusedCredentials: 'keep',
      // Three days without a server; then the oldest entries are dropped.
      maxQueuedEntries: 250_000,
      overflow: 'drop-oldest',
      // After an outage, alternates between current readings and the backlog.
      order: flags['live-first'] ? 'live-first' : 'oldest-first',
      maxAge: flags['max-age'] === undefined ? undefined : Number(flags['max-age']) * 3600,
      compression: flags.gzip ? gzip() : undefined,
    });
  } catch (exception) {
    return fail(
      `${exception.message}\nSet NIKDEV_DEVICE_ID, NIKDEV_API_KEY_FILE and, if needed, NIKDEV_URL.\n${USAGE}`,
    );
  }
}

/** With --deadband, a value is committed if it has changed by more than that, and every ten minutes. */
function field(id) {
  if (flags.deadband === undefined) return id;
  return { id, deadband: Number(flags.deadband), atLeastEverySeconds: 600 };
}

async function readOnce() {
  await api.ready; // The entries of an earlier run go first.
  await sleep(READ_EVERY_MS); // CPU use is measured over an interval.
  const entry = commitReading();
  try {
    await api.push();
    console.log(JSON.stringify(entry));
  } catch (exception) {
    complain(exception);
    process.exitCode = 1;
  }
  await api.close();
}

async function readUntilStopped() {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => stop.abort());
  logEvents();

  while (await sleep(READ_EVERY_MS, true, { signal: stop.signal }).catch(() => false)) {
    const entry = commitReading();
    if (entry) console.log(`${new Date(entry.timestamp * 1000).toISOString()} ${describe(entry)}`);
  }

  try {
    await api.close({ push: true, timeoutSeconds: 10 });
  } catch (exception) {
    complain(exception);
  }
  const { committed } = api.status();
  if (committed > 0) console.error(`${count(committed)} could not be pushed and wait in the folder for the next run`);
}

function logEvents() {
  api.on('adopt', ({ entries }) => console.log(`adopted ${count(entries)} of an earlier run`));
  api.on('push', ({ entries }) => console.log(`pushed ${count(entries)}`));
  api.on('error', complain);
  api.on('quarantine', ({ entries, message }) => console.error(`${count(entries.length)} quarantined – ${message}`));
  api.on('discard', ({ entries, message }) => console.error(`${count(entries.length)} discarded: ${message}`));
  api.on('warning', ({ message }) => console.error(message));
}

/** @returns The entry; `undefined` if it could not be saved: its values are in the next entry, unless they are overwritten. */
function commitReading() {
  try {
    api.addValues(readMachine());
    return api.commit();
  } catch (exception) {
    complain(exception);
    return undefined;
  }
}

function complain(exception) {
  if (!isApiException(exception)) throw exception;
  console.error(`${exception.message} – ${exception.advice}`);
}

function describe({ values }) {
  return values.map(({ fieldId, value }) => `${fieldId} ${value}`).join(', ');
}

function count(entries) {
  return entries === 1 ? '1 entry' : `${entries} entries`;
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
