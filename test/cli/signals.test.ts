import { expect, onTestFinished, test } from 'vitest';
import { main } from '../../src/cli/main.js';
import { END_SIGNALS } from '../../src/cli/signals.js';
import { initCluster, SECRET } from '../support/servers/gateways.js';
import { describeOnNats, NatsCluster } from '../support/servers/nats-cluster.js';

/** Runs a command, and delivers a signal to it, and to nothing else in this process, while it writes its first line. */
async function endAtFirstLine(
  signal: NodeJS.Signals,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<number> {
  const before = new Set(END_SIGNALS.flatMap((name) => process.rawListeners(name)));
  const added = (name: NodeJS.Signals) => process.rawListeners(name).filter((listener) => !before.has(listener));
  let isFirst = true;
  const write = (): boolean => {
    if (isFirst) for (const listener of added(signal)) listener(signal);
    isFirst = false;
    return true;
  };
  onTestFinished(() => {
    for (const name of END_SIGNALS) for (const listener of added(name)) process.off(name, listener as () => void);
  });
  const own = { env, stdout: { write }, stderr: { write: () => true }, cwd: () => '/' };
  return main(args, own as unknown as NodeJS.Process);
}

test.each(END_SIGNALS)('the emulator ends with 0 on %s as soon as its first line is written', async (signal) => {
  expect(await endAtFirstLine(signal, ['emulator', '--json', '--port', '0'])).toBe(0);
});

describeOnNats('gateway run', () => {
  test.each(END_SIGNALS)('ends with 0 on %s as soon as its first line is written', async (signal) => {
    const cluster = await NatsCluster.start({ nodes: 1 });
    try {
      await initCluster(cluster, { replicas: 1 });
      const env = { NIKDEV_GATEWAY_NATS: cluster.servers.join(','), NIKDEV_GATEWAY_SECRET: SECRET };
      const args = ['gateway', 'run', '--json', '--port', '0', '--metrics-port', '0', '--log-level', 'silent'];
      expect(await endAtFirstLine(signal, args, env)).toBe(0);
    } finally {
      await cluster.close();
    }
  });
});
