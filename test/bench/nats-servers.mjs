import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Three `nats-server` of one cluster on loopback, with their stores in a folder. */
export async function startNatsServers(folder) {
  const nodes = await Promise.all(
    [0, 1, 2].map(async (number) => ({ number, port: await freePort(), route: await freePort() })),
  );
  const routes = nodes.map(({ route }) => `nats://127.0.0.1:${route}`).join(', ');
  const processes = nodes.map(({ number, port, route }) => {
    const own = join(folder, String(number));
    mkdirSync(own);
    writeFileSync(
      join(own, 'nats.conf'),
      `server_name: n${number}
listen: "127.0.0.1:${port}"
jetstream { store_dir: ${JSON.stringify(own)} }
cluster { name: bench, listen: "127.0.0.1:${route}", routes: [${routes}] }`,
    );
    return spawn('nats-server', ['-c', join(own, 'nats.conf')], { stdio: 'ignore' });
  });
  // Until they have elected a leader.
  await setTimeout(4000);
  return {
    servers: nodes.map(({ port }) => `nats://127.0.0.1:${port}`),
    stop: () => Promise.all(processes.map(end)),
  };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function end(child) {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
