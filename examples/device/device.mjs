import { setTimeout as sleep } from 'node:timers/promises';
import { Api, isApiException } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { readMachine } from './machine.mjs';

const { env } = process;
const [argument, ...others] = process.argv.slice(2);
const once = argument === '--once';
if ((argument !== undefined && !once) || others.length > 0) fail('usage: node device.mjs [--once]');

const fields = {
  cpu: env.NIKDEV_FIELD_CPU || 'cpu',
  memory: env.NIKDEV_FIELD_MEMORY || 'memory',
  temperature: env.NIKDEV_FIELD_TEMPERATURE || 'temperature',
};
const api = connect();
await api.ready; // What an earlier run left in the folder goes first.
if (once) await readOnce();
else await readUntilStopped();
await api.close();

function connect() {
  try {
    return new Api({
      deviceId: env.NIKDEV_DEVICE_ID,
      apiKey: env.NIKDEV_API_KEY,
      baseUrl: env.NIKDEV_BASE_URL || undefined,
      // Without a folder, readings wait in memory and end with this process.
      storage: env.NIKDEV_FOLDER ? fileStorage(env.NIKDEV_FOLDER) : undefined,
      // A key that was revoked by mistake must not cost readings.
      onRefusedCredentials: 'keep',
    });
  } catch (exception) {
    return fail(`${exception.message}\nSet NIKDEV_DEVICE_ID, NIKDEV_API_KEY and, if need be, NIKDEV_BASE_URL.`);
  }
}

async function readOnce() {
  await sleep(1000); // CPU use is measured over a time.
  const entry = commitReading();
  if (await push()) console.log(JSON.stringify(entry));
  else process.exitCode = 1;
}

async function readUntilStopped() {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => stop.abort());

  const pushLine = async (entry) => {
    const result = await push();
    if (result) console.log(`pushed ${count(result.pushed)}, the last: ${describe(entry)}`);
  };
  while (await sleep(1000, true, { signal: stop.signal }).catch(() => false)) {
    const entry = commitReading();
    // Not awaited: a slow server must not hold up the readings. What they commit meanwhile goes with a later push.
    if (!api.status().pushing) void pushLine(entry);
  }

  const result = await push({ signal: AbortSignal.timeout(10_000) });
  if (result?.pushed) console.log(`pushed ${count(result.pushed)} before stopping`);
  const { committed } = api.status();
  const fate = env.NIKDEV_FOLDER ? 'wait in the folder for the next run' : "end with this process's memory";
  if (committed > 0) console.error(`${count(committed)} could not be pushed and ${fate}`);
}

function commitReading() {
  for (const [name, value] of Object.entries(readMachine())) api.addValue(fields[name], value);
  return api.commit();
}

/** @returns The result; `undefined` if the push failed: what is still queued goes with the next one. */
async function push(options) {
  try {
    return await api.push(options);
  } catch (exception) {
    if (!isApiException(exception)) throw exception;
    console.error(`${exception.message} – ${exception.advice}`);
    return undefined;
  }
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
