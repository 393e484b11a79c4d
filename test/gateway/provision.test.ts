import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUCKETS, consumerOf, PARKED, QUARANTINE, UPLOADS } from '../../src/gateway/names.js';
import { connectNats, type Nats } from '../../src/gateway/nats.js';
import { type GatewayInitOptions, initGateway } from '../../src/gateway.js';
import { initCluster } from '../support/servers/gateways.js';
import { describeOnNats, NatsCluster } from '../support/servers/nats-cluster.js';

const SECOND = 1e9;
const DAY = 24 * 3600 * SECOND;

describeOnNats('init', () => {
  let cluster: NatsCluster;
  let nats: Nats;
  beforeAll(async () => {
    cluster = await NatsCluster.start({ nodes: 1 });
    nats = await connectNats({ servers: cluster.servers });
  });
  afterAll(async () => {
    await nats?.close();
    await cluster?.close();
  });

  const configOf = async (stream: string) => (await nats.jsm.streams.info(stream)).config;

  test('refuses a stream of the same name that is not a gateway’s, and leaves it as it is', async () => {
    await nats.jsm.streams.add({ name: UPLOADS, subjects: ['other.*'] });
    await expect(initCluster(cluster, { replicas: 1 })).rejects.toThrow(/^the stream NIKDEV is not a gateway's$/);
    expect((await configOf(UPLOADS)).subjects).toEqual(['other.*']);
    await nats.jsm.streams.delete(UPLOADS);
  });

  test('makes a bounded work queue on disk that refuses new messages when it is full', async () => {
    await initCluster(cluster, { replicas: 1, maxMessagesPerDevice: 7 });
    expect(await configOf(UPLOADS)).toMatchObject({
      subjects: ['gw.*.*'],
      retention: 'workqueue',
      storage: 'file',
      discard: 'new',
      max_bytes: 50_000_000,
      max_msgs_per_subject: 7,
      discard_new_per_subject: true,
      duplicate_window: 120 * SECOND,
    });
    for (const name of [PARKED, QUARANTINE]) {
      const config = await configOf(name);
      expect(config).toMatchObject({ retention: 'limits', storage: 'file', discard: 'new' });
      expect(config.max_bytes).toBeGreaterThan(0);
    }
  });

  test('makes one consumer a partition, with one message in flight for 15 s', async () => {
    for (let partition = 0; partition < 4; partition++)
      expect((await nats.jsm.consumers.info(UPLOADS, consumerOf(partition))).config).toMatchObject({
        durable_name: consumerOf(partition),
        filter_subject: `gw.${partition}.*`,
        ack_policy: 'explicit',
        max_ack_pending: 1,
        ack_wait: 15 * SECOND,
      });
    await expect(nats.jsm.consumers.info(UPLOADS, consumerOf(4))).rejects.toThrow('consumer not found');
  });

  test('keeps marks for 7 days and keys for 30, in bounded buckets that no lagging follower answers', async () => {
    const [marks, keys] = [await configOf(`KV_${BUCKETS.marks}`), await configOf(`KV_${BUCKETS.keys}`)];
    expect([marks.max_age, keys.max_age]).toEqual([7 * DAY, 30 * DAY]);
    for (const config of [marks, keys]) {
      expect(config.max_bytes).toBeGreaterThan(0);
      expect(config.allow_direct).toBe(false);
    }
  });

  test('changes the sizes of what is there, and keeps its messages', async () => {
    await nats.js.publish('gw.0.device', 'kept');
    const { servers } = cluster;
    await initGateway({ nats: { servers }, replicas: 1, partitions: 4, maxBytes: 70_000_000, maxMessagesPerDevice: 9 });
    const { config, state } = await nats.jsm.streams.info(UPLOADS);
    expect(config).toMatchObject({ max_bytes: 70_000_000, max_msgs_per_subject: 9, retention: 'workqueue' });
    expect(state.messages).toBe(1);
  });

  describe('with a size below what is there', () => {
    const again = (options: GatewayInitOptions) => initCluster(cluster, { replicas: 1, ...options });
    const state = async (stream: string) => {
      const { config, state } = await nats.jsm.streams.info(stream);
      return [config.max_bytes, config.max_msgs_per_subject, state.messages];
    };

    test.each([
      [UPLOADS, { maxBytes: 2_000_000 }, /^the stream NIKDEV holds 3\d{6} bytes, and would have space for 2000000$/],
      [
        PARKED,
        { maxBytes: 4_000_000 },
        /^the stream NIKDEV_PARKED holds 3\d{6} bytes, and would have space for 2000000$/,
      ],
      [QUARANTINE, { maxBytes: 9_000_000 }, /^the stream NIKDEV_QUARANTINE holds 3\d{6} bytes, and would .* 900000$/],
      [`KV_${BUCKETS.keys}`, { maxBytes: 9_000_000 }, /^the bucket NIKDEV_KEYS holds \d+ bytes, and would .* 900000$/],
      [
        UPLOADS,
        { maxMessagesPerDevice: 29 },
        /^the stream NIKDEV holds 30 messages of one device, and would have space for 29$/,
      ],
    ])('init changes nothing of %s, and names it: %o', async (stream, options, message) => {
      const { jsm, js } = nats;
      for (const name of [UPLOADS, PARKED, QUARANTINE, `KV_${BUCKETS.keys}`]) await jsm.streams.purge(name);
      await again({ maxMessagesPerDevice: 40 });
      const [subject = ''] = (await configOf(stream)).subjects ?? [];
      const length = stream.startsWith('KV_') ? 1000 : 100_000;
      const isBucket = stream.startsWith('KV_');
      for (let count = 0; count < (isBucket ? 1000 : 30); count += 1)
        await js.publish(subject.replaceAll('*', '0').replace('>', `key-${count}`), new Uint8Array(length));
      const before = await Promise.all([UPLOADS, stream].map(state));
      await expect(again({ maxMessagesPerDevice: 40, ...options })).rejects.toMatchObject({
        name: 'GatewayException',
        message: expect.stringMatching(message),
        isTemporary: false,
      });
      expect(await Promise.all([UPLOADS, stream].map(state))).toEqual(before);
    });
  });

  test('a size that the servers have no space for is named, with the stream, and a smaller one completes the rest', async () => {
    for await (const { config } of nats.jsm.streams.list()) await nats.jsm.streams.delete(config.name);
    // With max_file of 2 GB, the queue fits and the parked messages do not.
    await expect(initCluster(cluster, { replicas: 1, maxBytes: 1_800_000_000 })).rejects.toMatchObject({
      name: 'GatewayException',
      message: 'the servers have no space for the stream NIKDEV_PARKED of 900000000 bytes',
      advice: expect.stringContaining('max_file'),
      isTemporary: false,
    });
    await initCluster(cluster, { replicas: 1 });
    expect((await configOf(UPLOADS)).max_bytes).toBe(50_000_000);
  });
});
