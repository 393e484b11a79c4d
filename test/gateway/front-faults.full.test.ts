import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { UPLOADS } from '../../src/gateway/names.js';
import { connectNats, type Nats } from '../../src/gateway/nats.js';
import type { Gateway } from '../../src/gateway.js';
import { initCluster, startGateway, uploadOf, upstreamOf, uuidOf } from '../support/servers/gateways.js';
import { describeOnNats, NatsCluster } from '../support/servers/nats-cluster.js';

const DEVICES = 10;
const LONG = 120_000;

describeOnNats('the front of a gateway, on a cluster in trouble', () => {
  let cluster: NatsCluster;
  let nats: Nats;
  let upstream: Emulator;
  beforeEach(async () => {
    cluster = await NatsCluster.start();
    await initCluster(cluster);
    nats = await connectNats({ servers: cluster.servers });
    upstream = upstreamOf(DEVICES);
  }, LONG);
  afterEach(async () => {
    await nats?.close();
    await cluster?.close();
  });

  const leader = async (): Promise<number> => cluster.numberOf((await nats.jsm.streams.info(UPLOADS)).cluster?.leader);
  const count = async (): Promise<number> => (await nats.jsm.streams.info(UPLOADS)).state.messages;
  const settled = () => vi.waitFor(count, { timeout: 30_000 });
  const readiness = async (gateway: Gateway): Promise<number> =>
    (await gateway.fetch(new Request('http://gateway/readyz'))).status;
  const isReady = (gateway: Gateway, status: number) =>
    vi.waitFor(async () => expect(await readiness(gateway)).toBe(status), { timeout: 40_000, interval: 200 });

  /** Posts uploads with names, one after the other for each device, each until it is accepted. @returns The refusals. */
  async function postAll(gateway: Gateway, uploads: number, onEach?: (number: number) => void): Promise<number> {
    let refused = 0;
    const post = async (device: number): Promise<void> => {
      for (let number = 1; number <= uploads; number++) {
        const body = JSON.stringify({ clientTimestamp: 1, entries: [{ timestamp: 1, values: [{ value: number }] }] });
        for (;;) {
          const { status } = await gateway.fetch(
            uploadOf(device, { body, headers: { 'x-entry-ids': `w${device}/${number}` } }),
          );
          if (status === 202) break;
          expect(status).toBe(503);
          refused += 1;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        if (device === 0) onEach?.(number);
      }
    };
    await Promise.all(Array.from({ length: DEVICES }, (_, device) => post(device)));
    return refused;
  }

  test("SIGKILL of the stream's leader during uploads: each is in the stream once, in order", {
    timeout: LONG,
  }, async () => {
    const gateway = await startGateway(cluster, upstream);
    const victim = await leader();
    let killed: Promise<void> | undefined;
    await postAll(gateway, 50, (number) => {
      if (number === 10) killed = cluster.kill(victim);
    });
    await killed;
    await settled();
    expect(await count()).toBe(50 * DEVICES);
    const last = await nats.jsm.streams.getMessage(UPLOADS, { last_by_subj: `gw.*.${uuidOf(0)}` });
    expect(last?.string()).toContain('{"value":50}');
  });

  test('SIGSTOP of a follower delays nothing', { timeout: LONG }, async () => {
    const connected = await leader();
    // A gateway that is connected to the frozen server notices that by its pings only, and one that does not know a key may ask it.
    const servers = cluster.servers.slice(connected, connected + 1);
    const gateway = await startGateway(cluster, upstream, { nats: { servers } });
    await postAll(gateway, 1);
    const victim = (connected + 1) % 3;
    cluster.freeze(victim);
    const refused = await postAll(gateway, 20);
    cluster.wake(victim);
    expect(await count()).toBe(20 * DEVICES);
    expect(refused).toBeLessThan(2 * DEVICES);
  });

  test('SIGSTOP of the server that the gateway is connected to: it goes on with another one, and loses nothing', {
    timeout: LONG,
  }, async () => {
    const victim = ((await leader()) + 1) % 3;
    // It learns of the others from this one.
    const servers = cluster.servers.slice(victim, victim + 1);
    const gateway = await startGateway(cluster, upstream, { nats: { servers } });
    cluster.freeze(victim);
    await postAll(gateway, 20);
    cluster.wake(victim);
    await settled();
    expect(await count()).toBe(20 * DEVICES);
  });

  test('with two of three servers down uploads get 503 with a delay, and it goes on afterwards', {
    timeout: LONG,
  }, async () => {
    const gateway = await startGateway(cluster, upstream);
    expect((await gateway.fetch(uploadOf(0))).status).toBe(202);
    await Promise.all([cluster.kill(0), cluster.kill(1)]);
    const response = await gateway.fetch(uploadOf(0));
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(3);
    await isReady(gateway, 503);
    cluster.startNode(0);
    cluster.startNode(1);
    await isReady(gateway, 200);
    await postAll(gateway, 1);
    expect(await count()).toBeGreaterThan(DEVICES);
  });

  test('all servers killed at once and started again: what was acknowledged is there', { timeout: LONG }, async () => {
    const gateway = await startGateway(cluster, upstream);
    await postAll(gateway, 10);
    await Promise.all([0, 1, 2].map((node) => cluster.kill(node)));
    for (const node of [0, 1, 2]) cluster.startNode(node);
    await cluster.untilHealthy();
    await isReady(gateway, 200);
    expect(await count()).toBe(10 * DEVICES);
    await postAll(gateway, 10);
    expect(await count()).toBe(10 * DEVICES);
  });

  test('a stream that was deleted is an alarm and 503, and is not made again', { timeout: LONG }, async () => {
    const alarms: object[] = [];
    const ignore = () => {};
    const logger = { debug: ignore, info: ignore, warn: ignore, error: (fields: object) => void alarms.push(fields) };
    const gateway = await startGateway(cluster, upstream, { logger });
    await isReady(gateway, 200);
    await nats.jsm.streams.delete(UPLOADS);
    expect((await gateway.fetch(uploadOf(0))).status).toBe(503);
    await isReady(gateway, 503);
    await vi.waitFor(() => expect(alarms).toContainEqual(expect.objectContaining({ alarm: 'stream-missing' })), {
      timeout: 10_000,
    });
    await expect(nats.jsm.streams.info(UPLOADS)).rejects.toThrow('stream not found');
  });

  test('another stream on the subjects of a deleted one gets no upload', { timeout: LONG }, async () => {
    const gateway = await startGateway(cluster, upstream);
    await nats.jsm.streams.delete(UPLOADS);
    await nats.jsm.streams.add({ name: 'OTHER', subjects: ['gw.>'] });
    expect((await gateway.fetch(uploadOf(0))).status).toBe(503);
    expect((await nats.jsm.streams.info('OTHER')).state.messages).toBe(0);
  });

  test('a full stream is an alarm and 503, and keeps what it has', { timeout: LONG }, async () => {
    await initCluster(cluster, { maxBytes: 1_000_000 });
    const alarms: object[] = [];
    const ignore = () => {};
    const logger = { debug: ignore, info: ignore, warn: ignore, error: (fields: object) => void alarms.push(fields) };
    const gateway = await startGateway(cluster, upstream, { logger });
    const entry = { timestamp: 1, values: [{ text: 'x'.repeat(90_000) }] };
    const body = JSON.stringify({ clientTimestamp: 1, entries: [entry, entry, entry, entry] });
    const statuses: number[] = [];
    for (let device = 0; device < 4; device++) statuses.push((await gateway.fetch(uploadOf(device, { body }))).status);
    expect(statuses).toEqual([202, 202, 503, 503]);
    expect(alarms).toContainEqual(expect.objectContaining({ alarm: 'stream-full' }));
    expect(await count()).toBe(2);
  });

  test('G3 a device that fills its share of the queue gets 503, and others do not', { timeout: LONG }, async () => {
    await initCluster(cluster, { maxMessagesPerDevice: 3 });
    const gateway = await startGateway(cluster, upstream);
    const post = async (device: number, value: number) => (await gateway.fetch(uploadOf(device, { value }))).status;
    expect([await post(0, 1), await post(0, 2), await post(0, 3), await post(0, 4)]).toEqual([202, 202, 202, 503]);
    expect(await post(1, 1)).toBe(202);
    expect(await count()).toBe(4);
  });
});
