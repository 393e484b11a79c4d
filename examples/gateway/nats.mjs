import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const LOOPBACK = '127.0.0.1';
const ANY_PORT = 0;
const NAMES = ['nats-1', 'nats-2', 'nats-3'];

/**
 * @returns {string} The path of `nats-server`; `NATS_SERVER` names another one.
 * @throws {Error} with the command that installs it.
 */
export function findNatsServer({ NATS_SERVER, PATH = '' } = process.env) {
  // Debian has it in /usr/sbin, which is not in the PATH of every user.
  const folders = [...PATH.split(delimiter).filter(Boolean), '/usr/sbin', '/usr/local/bin'];
  const candidates = NATS_SERVER ? [NATS_SERVER] : folders.map((folder) => join(folder, 'nats-server'));
  const found = candidates.find(isExecutable);
  if (found === undefined) {
    throw new Error(
      `${NATS_SERVER || 'nats-server'} is missing. Install it: sudo apt install nats-server (Debian, Ubuntu), or brew install nats-server`,
    );
  }
  return found;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts three NATS servers of one cluster on loopback.
 *
 * @param {import('./processes.mjs').Processes} processes
 * @param {string} program - The path of `nats-server`.
 * @param {AbortSignal} signal - Ends the wait.
 */
export async function startNats(processes, program, signal) {
  const ports = await freePorts(3 * NAMES.length);
  const nodes = NAMES.map((name) => ({ name, port: ports.pop(), routePort: ports.pop(), httpPort: ports.pop() }));
  const routes = nodes.map(({ routePort }) => `nats://${LOOPBACK}:${routePort}`).join(', ');
  const start = ({ name }) => processes.start(name, program, ['-c', join(processes.folder, name, 'nats.conf')]);
  for (const node of nodes) {
    const folder = join(processes.folder, node.name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'nats.conf'), configurationOf(node, folder, routes));
    start(node);
  }
  await Promise.all(nodes.map(({ httpPort }) => untilOk(`http://${LOOPBACK}:${httpPort}/healthz`, signal)));
  return {
    names: NAMES,
    urls: nodes.map(({ port }) => `nats://${LOOPBACK}:${port}`),
    /** Starts a server that was killed. */
    start: (name) => start({ name }),
  };
}

const configurationOf = ({ name, port, routePort, httpPort }, folder, routes) => `server_name: ${name}
listen: "${LOOPBACK}:${port}"
http: "${LOOPBACK}:${httpPort}"
jetstream { store_dir: ${JSON.stringify(join(folder, 'store'))}, max_mem: 64M, max_file: 1G }
cluster { name: demo, listen: "${LOOPBACK}:${routePort}", routes: [${routes}] }
`;

/** @returns {Promise<number[]>} Ports that are free, each another one. */
export async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function listenAnywhere() {
  const server = createServer();
  await new Promise((resolve) => server.listen(ANY_PORT, LOOPBACK, resolve));
  return server;
}

/** Waits until a URL answers with a success. */
export async function untilOk(url, signal) {
  for (;;) {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => {});
    await response?.body?.cancel();
    if (response?.ok) return;
    await setTimeout(100, undefined, { signal });
  }
}
