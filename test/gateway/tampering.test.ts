import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test, vi } from 'vitest';
import { hashKey, parseSecrets } from '../../src/gateway/keys/secret.js';
import { BUCKETS, PARKED, QUARANTINE, UPLOADS } from '../../src/gateway/names.js';
import { type GatewayOptions, gatewayStatus, listQuarantined, retryQuarantined } from '../../src/gateway.js';
import { call } from '../support/processes/command.js';
import { credentialsOf, SECRET, startGateway, uploadOf, upstreamOf, uuidOf } from '../support/servers/gateways.js';
import { describeOnNats } from '../support/servers/nats-cluster.js';
import { useOneNode } from '../support/servers/one-node.js';

/** The record of the key of a device, in the bucket. */
function recordOf(device: number): string {
  const { deviceId, apiKey } = credentialsOf(device);
  return `${deviceId}.${hashKey(parseSecrets(SECRET).newest, deviceId, apiKey)}`;
}

describeOnNats('a client of NATS that tampers with the data of a gateway', () => {
  const node = useOneNode();
  beforeEach(async () => {
    for (const stream of [UPLOADS, PARKED, QUARANTINE, `KV_${BUCKETS.devices}`])
      await node.nats.jsm.streams.purge(stream);
  });

  const countOf = async (stream: string): Promise<number> => (await node.nats.jsm.streams.info(stream)).state.messages;
  const until = (stream: string, count: number) =>
    vi.waitFor(async () => expect(await countOf(stream)).toBe(count), { timeout: 20_000 });

  /** A gateway that forwards, and the alarms of it. */
  async function forward(upstream: ReturnType<typeof upstreamOf>, options: Partial<GatewayOptions> = {}) {
    const alarms: unknown[] = [];
    const ignore = () => {};
    const error = (fields: object) => void alarms.push((fields as { alarm?: unknown }).alarm);
    const logger = { debug: ignore, info: ignore, warn: ignore, error };
    const gateway = await startGateway(node.cluster, upstream, { worker: true, logger, ...options });
    return { gateway, alarms };
  }

  test('G5 by moving the sealed key of one device to another gets nothing sent: the message is parked, with an alarm', async () => {
    const upstream = upstreamOf(2);
    const front = await startGateway(node.cluster, upstream);
    for (const device of [0, 1]) expect((await front.fetch(uploadOf(device))).status).toBe(202);
    const bucket = await node.nats.kv(BUCKETS.keys);
    const foreign = await bucket.get(recordOf(0));
    for (const key of [recordOf(1), `${uuidOf(1)}.latest`]) await bucket.put(key, foreign?.string() ?? '');
    const { alarms } = await forward(upstream);
    await until(UPLOADS, 0);
    expect(await countOf(PARKED)).toBe(1);
    expect(alarms).toContain('sealed-key');
    expect(upstream.entries(uuidOf(1))).toEqual([]);
    expect(upstream.entries(uuidOf(0))).toHaveLength(1);
  });

  test('G5 a key that is in the bucket no more is an alarm, and comes back with the next upload of its device', async () => {
    const upstream = upstreamOf(1);
    const front = await startGateway(node.cluster, upstream);
    await front.fetch(uploadOf(0, { value: 1 }));
    await (await node.nats.kv(BUCKETS.keys)).purge(recordOf(0));
    const { gateway, alarms } = await forward(upstream);
    await until(PARKED, 1);
    expect(alarms).toContain('missing-key');
    expect((await gateway.fetch(uploadOf(0, { value: 2 }))).status).toBe(202);
    await vi.waitFor(() => expect(upstream.entries(uuidOf(0))).toHaveLength(2), { timeout: 20_000 });
    expect(upstream.entries(uuidOf(0)).map(({ values }) => values[0]?.value)).toEqual([1, 2]);
  });

  test('G5 messages of a secret that was dropped too early are kept in quarantine, and are forwarded once it is back', async () => {
    const upstream = upstreamOf(1);
    const front = await startGateway(node.cluster, upstream);
    await front.fetch(uploadOf(0));
    const secret = randomBytes(32).toString('base64');
    const { gateway, alarms } = await forward(upstream, { secret });
    await until(QUARANTINE, 1);
    expect(alarms).toContain('forged-message');
    await gateway.close();
    const { servers } = node.cluster;
    expect(await listQuarantined({ nats: { servers } })).toMatchObject([{ deviceId: uuidOf(0), status: 0 }]);
    await forward(upstream, { secret: `${secret},${SECRET}` });
    expect(await retryQuarantined({ nats: { servers } })).toBe(1);
    await vi.waitFor(() => expect(upstream.entries(uuidOf(0))).toHaveLength(1), { timeout: 20_000 });
  });

  test.each<[string, Record<string, string>, string]>([
    ['without headers', {}, '{"clientTimestamp":1,"entries":[]}'],
    ['with a forged authentication', { 'Nikdev-Upload': '1 mac 0 1 hash -' }, '{}'],
    ['that is no text', { 'Nikdev-Upload': '1' }, '\u0000\u00ff'],
  ])('G3 G8 a message %s is kept in quarantine with an alarm, and never sent', async (_name, fields, body) => {
    const upstream = upstreamOf(1);
    const { gateway, alarms } = await forward(upstream);
    await node.nats.js.publish(`gw.1.${uuidOf(0)}`, body, { headers: node.nats.headers(fields) });
    await until(QUARANTINE, 1);
    await until(UPLOADS, 0);
    expect(alarms).toEqual(['forged-message']);
    expect(upstream.requests).toEqual([]);
    expect((await gateway.fetch(uploadOf(0))).status).toBe(202);
    await vi.waitFor(() => expect(upstream.entries(uuidOf(0))).toHaveLength(1), { timeout: 20_000 });
  });

  test('by publishing into no partition stops neither the start, the metrics nor the status: the messages are counted, with an alarm', async () => {
    const STRAYS = ['4', '1e3', '4294967000', '-1', '01', 'x'];
    for (const token of STRAYS) await node.nats.js.publish(`gw.${token}.abc`, 'stray');
    await node.nats.js.publish(`gw.1.${uuidOf(0)}`, 'forged');
    const { gateway, alarms } = await forward(upstreamOf(1), { worker: false });
    const { text } = await gateway.metrics();
    expect(text.match(/^nikdev_gateway_queue_messages.*$/gm)).toEqual(
      [0, 1, 0, 0].map((count, partition) => `nikdev_gateway_queue_messages{partition="${partition}"} ${count}`),
    );
    expect(alarms).toEqual(['forged-message']);
    const { servers } = node.cluster;
    expect(await gatewayStatus({ nats: { servers } })).toMatchObject({
      waiting: [{ partition: 1, messages: 1 }],
      strays: STRAYS.length,
    });
    const { stdout } = await call('/', ['gateway', 'status'], { NIKDEV_GATEWAY_NATS: servers.join(',') });
    expect(stdout).toMatch(/^6 messages in no partition, which nothing takes: no gateway wrote them$/m);
  });
});
