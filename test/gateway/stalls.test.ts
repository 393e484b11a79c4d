import { afterEach, expect, test, vi } from 'vitest';
import { BUCKETS, PARKED, QUARANTINE, UPLOADS, uploadSubjectOf } from '../../src/gateway/names.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { initCluster, SECRET, startGateway, uploadOf, upstreamOf, uuidOf } from '../support/servers/gateways.js';
import { describeOnNats } from '../support/servers/nats-cluster.js';
import { useOneNode } from '../support/servers/one-node.js';

const SOON = { timeout: 20_000 };

describeOnNats('a gateway whose worker stands still', () => {
  const node = useOneNode();
  afterEach(async () => {
    await initCluster(node.cluster, { replicas: 1 });
    for (const stream of [UPLOADS, PARKED, QUARANTINE, `KV_${BUCKETS.devices}`]) {
      await node.nats.jsm.streams.update(stream, { max_bytes: 10_000_000 });
      await node.nats.jsm.streams.purge(stream);
    }
  });

  /** A gateway that forwards, and its alarms with their messages. */
  async function forward(upstream = upstreamOf(2)) {
    const alarms: string[] = [];
    const ignore = () => {};
    const error = (fields: object) => {
      const { alarm, message } = fields as { alarm: string; message: string };
      alarms.push(`${alarm}: ${message}`);
    };
    const logger = { debug: ignore, info: ignore, warn: ignore, error };
    return { gateway: await startGateway(node.cluster, upstream, { worker: true, logger }), alarms, upstream };
  }

  const readiness = async (gateway: Gateway): Promise<unknown> =>
    (await gateway.fetch(new Request('http://gateway/readyz'))).json();

  const deleteBucket = (name: string) => node.nats.jsm.streams.delete(`KV_${name}`);
  const shrink = (stream: string) => node.nats.jsm.streams.update(stream, { max_bytes: 1 });

  test('as the marks are gone reports it and is not ready, and forwards once they are back', async () => {
    const { gateway, alarms, upstream } = await forward();
    await deleteBucket(BUCKETS.marks);
    expect((await gateway.fetch(uploadOf(0))).status).toBe(202);
    const stalled =
      /^worker-stalled: partition \d stands still, as a request to NIKDEV_MARKS fails: the stream is missing/;
    await vi.waitFor(() => expect(alarms).toContainEqual(expect.stringMatching(stalled)), SOON);
    await vi.waitFor(
      async () =>
        expect(await readiness(gateway)).toEqual({
          status: 'not ready',
          reason: 'missing: the bucket NIKDEV_MARKS',
        }),
      SOON,
    );
    expect(alarms).toContainEqual(expect.stringMatching(/^stream-missing: the bucket NIKDEV_MARKS is missing/));
    await initCluster(node.cluster, { replicas: 1 });
    await vi.waitFor(() => expect(upstream.entries(uuidOf(0))).toHaveLength(1), SOON);
    await vi.waitFor(async () => expect(await readiness(gateway)).toEqual({ status: 'ready' }), SOON);
  });

  const publishForged = () => node.nats.js.publish(uploadSubjectOf(uuidOf(0), 4), 'forged');

  test('as the quarantine is full reports it', async () => {
    await shrink(QUARANTINE);
    const { alarms } = await forward();
    await publishForged();
    const stalled = /^worker-stalled: .* a request to NIKDEV_QUARANTINE fails: the stream is full/;
    await vi.waitFor(() => expect(alarms).toContainEqual(expect.stringMatching(stalled)), SOON);
  });

  test('as a turn fails again and again reports it', async () => {
    await shrink(`KV_${BUCKETS.devices}`);
    const upstream = upstreamOf(1);
    const front = await startGateway(node.cluster, upstream);
    expect((await front.fetch(uploadOf(0))).status).toBe(202);
    await node.nats.jsm.streams.purge(`KV_${BUCKETS.keys}`);
    const { alarms } = await forward(upstream);
    const stalled = /^worker-stalled: .* a request to the cluster fails: the stream is full/;
    await vi.waitFor(() => expect(alarms).toContainEqual(expect.stringMatching(stalled)), SOON);
  });

  test.each([
    ['the stream NIKDEV', UPLOADS],
    ['the bucket NIKDEV_MARKS', `KV_${BUCKETS.marks}`],
    ['the bucket NIKDEV_DEVICES', `KV_${BUCKETS.devices}`],
  ])('does not start without %s, and does not make it again', async (title, stream) => {
    await node.nats.jsm.streams.delete(stream);
    const gateway = createGateway({ nats: { servers: node.cluster.servers }, secret: SECRET });
    await expect(gateway.ready).rejects.toMatchObject({
      name: 'GatewayException',
      message: `missing in the cluster: ${title}`,
      advice: expect.stringMatching(/restore a backup, .*"nikdev-iot gateway init"/),
    });
    await gateway.close();
    await expect(node.nats.jsm.streams.info(stream)).rejects.toThrow('stream not found');
  });
});
