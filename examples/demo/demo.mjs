import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readMachine } from '../device/machine.mjs';
import { ENTERED, MEASURED } from './fields.mjs';
import { runLive } from './live.mjs';
import { runOnce } from './once.mjs';
import { startServer } from './server.mjs';

const USAGE = `usage: npm run demo -- [--port <port>] [--allow-origin <origin>] [--once]

  --port <port>            where to listen on 127.0.0.1; without it, any port that is free
  --allow-origin <origin>  lets pages of one more origin ask the server, such as http://localhost:5173
  --once                   one whole round: a device pushes one reading, and it is read back and compared`;
const ONCE_WITHIN_MS = 40_000;

const { port, allowedOrigin, once } = readArguments();
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => stop.abort());

// Where the device keeps what it has not pushed: the server of this demo ends with it.
const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-demo-'));
try {
  // A machine without a sensor gets no empty card for it.
  const machine = readMachine();
  const fields = [...MEASURED.filter(({ id }) => id in machine || id === 'boiler'), ...ENTERED];
  const server = await startServer({ port, fields, folder, allowedOrigin });
  try {
    process.exitCode = (await (once ? roundOnce(server) : roundAndRound(server))) ? 0 : 1;
  } finally {
    server.close();
  }
} catch (error) {
  console.error(
    error.name === 'AbortError' ? (stop.signal.aborted ? 'Stopped.' : 'Not done within 40 s.') : error.message,
  );
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function roundAndRound(server) {
  console.log(`The dashboard is at ${server.url} (stop with Ctrl+C)`);
  return runLive(server, stop.signal);
}

function roundOnce(server) {
  return runOnce(server, AbortSignal.any([stop.signal, AbortSignal.timeout(ONCE_WITHIN_MS)]));
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '0' },
        'allow-origin': { type: 'string' },
        once: { type: 'boolean' },
      },
    });
    if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
      throw new Error(`--port must be a number from 0 to 65535, got ${JSON.stringify(values.port)}`);
    }
    const { 'allow-origin': allowedOrigin, once } = values;
    if (
      allowedOrigin !== undefined &&
      (!URL.canParse(allowedOrigin) || new URL(allowedOrigin).origin !== allowedOrigin)
    ) {
      throw new Error(`--allow-origin must be like http://localhost:5173, got ${JSON.stringify(allowedOrigin)}`);
    }
    return { port: Number(values.port), allowedOrigin, once };
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    return process.exit(2);
  }
}
