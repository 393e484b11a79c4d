import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const DEVICE = fileURLToPath(new URL('../device/device.mjs', import.meta.url));

/** More than a device needs to push what is left. */
const STOP_WITHIN_MS = 15_000;

/**
 * Runs a device in a process of its own and passes on what it prints.
 *
 * @param {Awaited<ReturnType<typeof import('./server.mjs').startServer>>} server
 * @param {AbortSignal} signal - Stops the device.
 * @returns {Promise<boolean>} Once it has ended: whether it was stopped, and not by itself.
 */
export async function runLive(server, signal) {
  if (signal.aborted) return true;
  const device = spawn(process.execPath, [DEVICE], {
    env: server.deviceEnvironment,
    // Both piped: where this process is killed, the device dies of its next line.
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  createInterface({ input: device.stdout }).on('line', (line) => console.log(line));
  createInterface({ input: device.stderr }).on('line', (line) => console.error(line));
  let timer;
  signal.addEventListener('abort', () => {
    device.kill('SIGTERM');
    timer = setTimeout(() => device.kill('SIGKILL'), STOP_WITHIN_MS);
  });
  const [code, killedBy] = await once(device, 'close');
  clearTimeout(timer);
  if (!signal.aborted) console.error(`The device ended unexpectedly (${killedBy ?? `exit code ${code}`}).`);
  return signal.aborted;
}
