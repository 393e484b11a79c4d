import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { BUCKETS, PARKED, UPLOADS } from '../../src/gateway/names.js';
import { connectNats, type Nats } from '../../src/gateway/nats.js';
import {
  createGateway,
  dropQuarantined,
  gatewayStatus,
  initGateway,
  listQuarantined,
  retryQuarantined,
} from '../../src/gateway.js';
import type { FetchLike } from '../../src/index.js';
import { readPage } from '../support/package/markdown.js';
import { SECRET, uploadOf, upstreamOf, uuidOf } from '../support/servers/gateways.js';
import { describeOnNats, NatsCluster } from '../support/servers/nats-cluster.js';

const [, users = ''] = /<!-- users\.conf -->\n```\n([\s\S]*?)```/.exec(readPage('docs/gateway.md')) ?? [];
const INIT = { user: 'init', password: '<password of init>' };
const DENIED = /^the NATS user has no right to use the stream NIKDEV_QUARANTINE \(\$JS\.API\.STREAM\.MSG\.GET\./;
const RUN = { user: 'run', password: '<password of run>' };

describeOnNats('G3 the users of docs/gateway.md', () => {
  let cluster: NatsCluster;
  let nats: Nats;
  let upstream: Emulator;
  beforeAll(async () => {
    cluster = await NatsCluster.start({ configuration: users });
    const { servers } = cluster;
    await initGateway({ nats: { servers, ...INIT }, partitions: 4, maxBytes: 50_000_000 });
    nats = await connectNats({ servers, ...RUN });
    upstream = upstreamOf(2);
  });
  afterAll(async () => {
    await nats?.close();
    await cluster?.close();
  });

  test('"run" accepts, forwards, parks and retries', { timeout: 100_000 }, async () => {
    const { servers } = cluster;
    let isInTrouble = true;
    const fetch: FetchLike = async (url, init) => {
      const device = new Headers(init?.headers as HeadersInit).get('x-device-id');
      const hasEntries = !String(init?.body).includes('"entries":[]');
      if (isInTrouble && hasEntries && device === uuidOf(0)) return new Response('{}', { status: 500 });
      return (upstream.fetch as FetchLike)(url, init);
    };
    const gateway = createGateway({ nats: { servers, ...RUN }, secret: SECRET, fetch });
    await gateway.ready;
    const post = async (device: number) =>
      expect((await gateway.fetch(uploadOf(device, { headers: { 'x-entry-ids': 'w/1' } }))).status).toBe(202);
    await post(1);
    await vi.waitFor(() => expect(upstream.entries(uuidOf(1))).toHaveLength(1), { timeout: 20_000 });
    await post(0);
    const parked = async () => (await nats.jsm.streams.info(PARKED)).state.messages;
    await vi.waitFor(async () => expect(await parked()).toBe(1), { timeout: 20_000 });
    isInTrouble = false;
    await vi.waitFor(() => expect(upstream.entries(uuidOf(0))).toHaveLength(1), { timeout: 40_000 });
    await vi.waitFor(async () => expect(await parked()).toBe(0), { timeout: 20_000 });
    expect((await gateway.fetch(new Request('http://gateway/readyz'))).status).toBe(200);
    expect((await gateway.metrics()).text).toContain('nikdev_gateway_queue_messages{partition="0"}');
    await gateway.close();
    expect((await gatewayStatus({ nats: { servers, ...RUN } })).partitions).toBe(4);
  });

  test.each<[string, (nats: Nats) => Promise<unknown>]>([
    ['delete the stream', ({ jsm }) => jsm.streams.delete(UPLOADS)],
    ['purge it', ({ jsm }) => jsm.streams.purge(UPLOADS)],
    ['delete a message of it', ({ jsm }) => jsm.streams.deleteMessage(UPLOADS, 1)],
    ['change it', ({ jsm }) => jsm.streams.update(UPLOADS, { max_bytes: 1 })],
    ['make a stream', ({ jsm }) => jsm.streams.add({ name: 'OTHER', subjects: ['other'] })],
    ['delete a consumer', ({ jsm }) => jsm.consumers.delete(UPLOADS, 'worker-0')],
    ['make a consumer', ({ jsm }) => jsm.consumers.add(PARKED, { durable_name: 'other', ack_policy: 'none' })],
    ['change the number of partitions', async ({ kv }) => (await kv(BUCKETS.config)).put('settings', '{}')],
  ])('"run" may not %s', async (_what, attempt) => {
    await expect(attempt(nats)).rejects.toThrow(/permissions violation/i);
  });

  test('"run" gets an exception at once that names the right the quarantine needs', async () => {
    const { servers } = cluster;
    const started = performance.now();
    const denied = { name: 'GatewayException', message: expect.stringMatching(DENIED), isTemporary: false };
    const options = { nats: { servers, ...RUN }, ids: [1] };
    for (const act of [listQuarantined, retryQuarantined, dropQuarantined])
      await expect(act(options)).rejects.toMatchObject(denied);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('nobody gets in without a password', async () => {
    const { servers } = cluster;
    const refused = {
      name: 'GatewayException',
      message: 'the NATS servers refuse the credentials (AuthorizationError)',
      isTemporary: false,
    };
    await expect(connectNats({ servers })).rejects.toMatchObject(refused);
    await expect(connectNats({ servers, ...RUN, password: 'guess' })).rejects.toMatchObject(refused);
  });

  test.each(['nothing', '-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------\n'])(
    'credentials that are no .creds file are named, and not shown: %j',
    async (credentials) => {
      const { servers } = cluster;
      await expect(connectNats({ servers, credentials })).rejects.toMatchObject({
        name: 'GatewayException',
        message: 'nats.credentials must be the content of a .creds file',
        isTemporary: false,
      });
    },
  );
});
