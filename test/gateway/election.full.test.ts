import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { BUCKETS } from '../../src/gateway/names.js';
import { connectNats } from '../../src/gateway/nats.js';
import { createGateway } from '../../src/gateway.js';
import { type CommandProcess, run, start } from '../support/processes/command.js';
import { initCluster, SECRET, startGateway, uploadOf, upstreamOf } from '../support/servers/gateways.js';
import { describeOnNats, NatsCluster } from '../support/servers/nats-cluster.js';

const LONG = 180_000;

describeOnNats('a gateway that starts while the cluster elects a leader', () => {
  let cluster: NatsCluster;
  beforeAll(async () => {
    cluster = await NatsCluster.start();
    await initCluster(cluster);
  }, LONG);
  afterAll(() => cluster?.close());

  /** Kills the server that leads the bucket of the settings, which a gateway reads first. */
  async function killLeader(): Promise<void> {
    const nats = await connectNats({ servers: cluster.servers });
    const { cluster: of } = await nats.jsm.streams.info(`KV_${BUCKETS.config}`);
    await nats.close();
    await cluster.kill(cluster.numberOf(of?.leader));
  }

  function startCommand(): CommandProcess {
    const env = { NIKDEV_GATEWAY_NATS: cluster.servers.join(','), NIKDEV_GATEWAY_SECRET: SECRET };
    const command = start('/', ['gateway', 'run', '--json', '--port', '0', '--metrics-port', '0'], env);
    onTestFinished(() => command.kill('SIGKILL'));
    return command;
  }

  // In this order: the first test takes one of the three servers away, and the next another one.
  test('waits for the leader, and then accepts uploads', { timeout: LONG }, async () => {
    await killLeader();
    const command = startCommand();
    const gateway = await startGateway(cluster, upstreamOf(1));
    await vi.waitFor(async () => expect((await gateway.fetch(uploadOf(0))).status).toBe(202), {
      timeout: 60_000,
      interval: 200,
    });
    await vi.waitFor(() => expect(command.written.stdout).toContain('baseUrl'), { timeout: 40_000, interval: 100 });
    command.kill('SIGTERM');
    expect(await command.ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('Error') });
  });

  test('says after 30 s what does not answer and what to do, and the command exits with 75', {
    timeout: LONG,
  }, async () => {
    // Another server than the leader would leave it in charge until it notices, and a gateway could still start.
    await killLeader();
    const env = { NIKDEV_GATEWAY_NATS: cluster.servers.join(',') };
    const calls = [startCommand().ended, run('/', ['gateway', 'status'], env), run('/', ['gateway', 'parked'], env)];
    const started = performance.now();
    for (const { code, stdout, stderr } of await Promise.all(calls)) {
      const said = stdout + stderr;
      expect(code).toBe(75);
      expect(said).toMatch(/the bucket NIKDEV_\w+ can't be reached: JetStream has not answered for 30 s \(no \w+\)/);
      expect(said).toMatch(/Most servers of the cluster must run/);
      expect(said).not.toMatch(/\n {4}at /);
    }
    expect(performance.now() - started).toBeLessThan(45_000);
  });

  test('ends its wait when it is closed', { timeout: LONG }, async () => {
    const gateway = createGateway({ nats: { servers: cluster.servers }, secret: SECRET });
    const ready = expect(gateway.ready).rejects.toMatchObject({ name: 'GatewayException', isTemporary: true });
    const started = performance.now();
    await gateway.close();
    await ready;
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});
