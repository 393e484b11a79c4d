import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { differences } from './compare.mjs';

const DEVICE = fileURLToPath(new URL('../device/device.mjs', import.meta.url));
const READ_BACK = fileURLToPath(new URL('read-back.mjs', import.meta.url));

/**
 * One whole round: a device commits and pushes one reading, another process reads it back, and all is compared.
 *
 * @param {Awaited<ReturnType<typeof import('./server.mjs').startServer>>} server
 * @param {AbortSignal} signal - Ends it, and its processes.
 * @returns {Promise<boolean>} Whether all are equal.
 */
export async function runOnce(server, signal) {
  const run = async (file, args, env) => {
    const { stdout } = await promisify(execFile)(process.execPath, [file, ...args], {
      env,
      signal,
      killSignal: 'SIGKILL',
    });
    return JSON.parse(stdout);
  };
  const committed = await run(DEVICE, ['--once'], server.deviceEnvironment);
  print('committed by the device', committed);
  const held = server.entries();
  print('held by the server', held);
  const fieldIds = committed.values.map(({ fieldId }) => fieldId);
  const readBack = await run(READ_BACK, fieldIds, server.readerEnvironment);
  print('read back', readBack);

  const found = differences(committed, held, readBack);
  for (const difference of found) console.error(difference);
  console.log(found.length === 0 ? 'All are equal.' : 'They differ.');
  return found.length === 0;
}

function print(what, value) {
  console.log(`${what}: ${JSON.stringify(value)}`);
}
