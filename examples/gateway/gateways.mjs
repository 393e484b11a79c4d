import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { initGateway } from 'nikdev-iot/gateway';
import { freePorts, untilOk } from './nats.mjs';

const COMMAND = fileURLToPath(new URL('../../dist/cli/cli.cjs', import.meta.url));
const NAMES = ['gateway-1', 'gateway-2'];
const PARTITIONS = 8;
const MAX_BYTES = 50_000_000;

/**
 * Makes the streams, and starts two gateways as `nikdev-iot gateway run` does.
 *
 * @param {import('./processes.mjs').Processes} processes
 * @param {object} options
 * @param {string[]} options.servers - The URLs of the NATS servers.
 * @param {string} options.upstream - The base URL of the server behind the gateways.
 * @param {AbortSignal} options.signal - Ends the wait.
 */
export async function startGateways(processes, { servers, upstream, signal }) {
  await initGateway({ nats: { servers }, partitions: PARTITIONS, maxBytes: MAX_BYTES });
  const free = await freePorts(NAMES.length);
  const ports = new Map(NAMES.map((name) => [name, free.pop()]));
  const env = {
    // Settings of another gateway or device, of the user who runs this, have no place here.
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NIKDEV_'))),
    NIKDEV_GATEWAY_SECRET: randomBytes(32).toString('base64'),
    NIKDEV_GATEWAY_NATS: servers.join(','),
    NIKDEV_GATEWAY_UPSTREAM: upstream,
    NIKDEV_GATEWAY_METRICS_PORT: '0',
    NIKDEV_GATEWAY_LOG_LEVEL: 'silent',
  };
  const start = (name) =>
    processes.start(name, process.execPath, [COMMAND, 'gateway', 'run', '--port', String(ports.get(name))], env);
  const untilReady = (name) => untilOk(`http://127.0.0.1:${ports.get(name)}/readyz`, signal);
  for (const name of NAMES) start(name);
  await Promise.all(NAMES.map(untilReady));
  return {
    names: NAMES,
    baseUrls: NAMES.map((name) => `http://127.0.0.1:${ports.get(name)}/api/v1/`),
    /** Starts a gateway that was killed. */
    start,
    untilReady,
  };
}
