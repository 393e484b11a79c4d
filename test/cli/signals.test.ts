import { expect, test } from 'vitest';
import { main } from '../../src/cli/main.js';
import { initCluster, SECRET } from '../support/servers/gateways.js';
import { describeOnNats, NatsCluster } from '../support/servers/nats-cluster.js';

/** Runs a command, and delivers `SIGTERM` to it while it writes its first line. */
async function endAtFirstLine(args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  const others = process.listeners('SIGTERM');
  let isFirst = true;
  const write = (): boolean => {
    if (isFirst)
      for (const listener of process.listeners('SIGTERM')) if (!others.includes(listener)) listener('SIGTERM');
    isFirst = false;
    return true;
  };
  const own = { env, stdout: { write }, stderr: { write: () => true }, cwd: () => '/' };
  return main(args, own as unknown as NodeJS.Process);
}

test('the emulator ends with 0 on SIGTERM as soon as its first line is written', async () => {
  expect(await endAtFirstLine(['emulator', '--json', '--port', '0'])).toBe(0);
});

describeOnNats('gateway run', () => {
  test('ends with 0 on SIGTERM as soon as its first line is written', async () => {
    const cluster = await NatsCluster.start({ nodes: 1 });
    try {
      await initCluster(cluster, { replicas: 1 });
      const env = { NIKDEV_GATEWAY_NATS: cluster.servers.join(','), NIKDEV_GATEWAY_SECRET: SECRET };
      const args = ['gateway', 'run', '--json', '--port', '0', '--metrics-port', '0', '--log-level', 'silent'];
      expect(await endAtFirstLine(args, env)).toBe(0);
    } finally {
      await cluster.close();
    }
  });
});
