import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { parseSecrets } from '../../src/gateway/keys/secret.js';
import { decodeMessage, type StoredUpload } from '../../src/gateway/message.js';
import { BUCKETS, PARKED, QUARANTINE, UPLOADS, uploadSubjectOf } from '../../src/gateway/names.js';
import { connectNats, type Nats } from '../../src/gateway/nats.js';
import { Api, type FetchLike } from '../../src/index.js';
import {
  credentialsOf,
  initCluster,
  SECRET,
  startGateway,
  uploadBody,
  uploadOf,
  upstreamOf,
  uuidOf,
} from '../support/servers/gateways.js';
import { describeOnNats, NatsCluster } from '../support/servers/nats-cluster.js';

const PARTITIONS = 4;
/** The health of a gateway writes into the bucket of the settings. */
const BUCKET_STREAMS = [BUCKETS.marks, BUCKETS.keys, BUCKETS.devices].map((name) => `KV_${name}`);
const subjectOf = (device: number): string => uploadSubjectOf(uuidOf(device), PARTITIONS);

describeOnNats('the front of a gateway', () => {
  let cluster: NatsCluster;
  let nats: Nats;
  beforeAll(async () => {
    cluster = await NatsCluster.start();
    await initCluster(cluster, { partitions: PARTITIONS });
    nats = await connectNats({ servers: cluster.servers });
  });
  beforeEach(async () => void (await nats.jsm.streams.purge(UPLOADS)));
  afterAll(async () => {
    await nats?.close();
    await cluster?.close();
  });

  const count = async (): Promise<number> => (await nats.jsm.streams.info(UPLOADS)).state.messages;

  async function stored(device: number): Promise<StoredUpload | undefined> {
    const message = await nats.jsm.streams.getMessage(UPLOADS, { last_by_subj: subjectOf(device) });
    if (message === null) return undefined;
    const { subject, data, header: headers } = message;
    const decoded = decodeMessage({ subject, data, headers }, parseSecrets(SECRET));
    return decoded.kind === 'upload' ? decoded.upload : undefined;
  }

  test('answers 202 once the upload is in the stream, as it came, with its offset and verified key', async () => {
    const gateway = await startGateway(cluster, upstreamOf(1));
    const sent = uploadOf(0, { headers: { 'x-entry-ids': 'writer/1' } });
    const body = await sent.clone().text();
    const response = await gateway.fetch(sent);
    expect([response.status, await response.json()]).toEqual([202, { data: {} }]);
    const upload = await stored(0);
    expect(upload).toMatchObject({ device: uuidOf(0), entryIds: 'writer/1', isVerified: true });
    expect(Buffer.from(upload?.body ?? []).toString()).toBe(body);
    expect(upload?.offset).toBeGreaterThanOrEqual(0);
    expect(upload?.offset).toBeLessThan(5000);
  });

  test('measures the time to an acknowledgement though the clock is set back meanwhile', async () => {
    onTestFinished(() => void vi.useRealTimers());
    const upstream = upstreamOf(1).fetch as FetchLike;
    const gateway = await startGateway(cluster, (url, init) => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
      return upstream(url, init);
    });
    expect((await gateway.fetch(uploadOf(0))).status).toBe(202);
    const [, sum] = /^nikdev_gateway_acknowledge_seconds_sum (\S+)$/m.exec((await gateway.metrics()).text) ?? [];
    expect(Number(sum)).toBeGreaterThan(0);
    expect(Number(sum)).toBeLessThan(60);
  });

  test('keeps a repeated upload once if its entries have names', async () => {
    const gateway = await startGateway(cluster, upstreamOf(1));
    const body = uploadBody(2);
    for (const headers of [{ 'x-entry-ids': 'writer/1' }, { 'x-entry-ids': 'writer/1' }])
      expect((await gateway.fetch(uploadOf(0, { body, headers }))).status).toBe(202);
    expect(await count()).toBe(1);
  });

  test('the offset of a device whose clock is an hour behind is an hour', async () => {
    const gateway = await startGateway(cluster, upstreamOf(1));
    const clientTimestamp = Math.floor(Date.now() / 1000) - 3600;
    await gateway.fetch(uploadOf(0, { body: JSON.stringify({ clientTimestamp, entries: [] }) }));
    const { offset = 0 } = (await stored(0)) ?? {};
    expect(Math.abs(offset - 3_600_000)).toBeLessThan(5000);
  });

  test('the offset is that of the head of the request, however long the body takes', async () => {
    const gateway = await startGateway(cluster, upstreamOf(1));
    const clientTimestamp = Math.floor(Date.now() / 1000);
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(Buffer.from(`{"clientTimestamp":${clientTimestamp},`));
        await delay(3000);
        controller.enqueue(Buffer.from('"entries":[]}'));
        controller.close();
      },
    });
    expect((await gateway.fetch(uploadOf(0, { body }))).status).toBe(202);
    expect((await stored(0))?.offset).toBeLessThan(2500);
  });

  test('nothing but the stream is written before the 202 of a known key', async () => {
    const gateway = await startGateway(cluster, upstreamOf(1));
    await gateway.fetch(uploadOf(0));
    const lastOf = async (name: string) => (await nats.jsm.streams.info(name)).state.last_seq;
    const all = () => Promise.all([UPLOADS, PARKED, QUARANTINE, ...BUCKET_STREAMS].map(lastOf));
    const [last = 0, ...others] = await all();
    await gateway.fetch(uploadOf(0));
    expect(await all()).toEqual([last + 1, ...others]);
  });

  test('G4 another device that posts the same ids and body first does not make an upload a duplicate', async () => {
    const gateway = await startGateway(cluster, upstreamOf(2));
    const [body, headers] = [uploadBody(3), { 'x-entry-ids': 'victim/1' }];
    for (const device of [1, 0]) expect((await gateway.fetch(uploadOf(device, { body, headers }))).status).toBe(202);
    expect(await count()).toBe(2);
    expect(Buffer.from((await stored(0))?.body ?? []).toString()).toBe(body);
  });

  test('answers as the server does: 400, 401, 404, 405, 413, 415', async () => {
    const gateway = await startGateway(cluster, upstreamOf(1));
    const statusOf = async (request: Request) => (await gateway.fetch(request)).status;
    expect(await statusOf(uploadOf(0, { body: '{' }))).toBe(400);
    expect(await statusOf(uploadOf(0, { headers: { 'x-entry-ids': 'nonsense' } }))).toBe(400);
    expect(await statusOf(uploadOf(0, { headers: { 'x-api-key': uuidOf(9, 'e') } }))).toBe(401);
    expect(await statusOf(uploadOf(0, { headers: { 'x-device-id': '*' } }))).toBe(401);
    expect(await statusOf(new Request('http://gateway/'))).toBe(404);
    expect(await statusOf(new Request('http://gateway/api/v1/entries/'))).toBe(405);
    expect(await statusOf(uploadOf(0, { body: ' '.repeat(1_048_577) }))).toBe(413);
    for (const encoding of ['br', 'gzip, gzip'])
      expect(await statusOf(uploadOf(0, { headers: { 'content-encoding': encoding } }))).toBe(415);
    const timestamp = 1e12;
    const late = JSON.stringify({ clientTimestamp: timestamp, entries: [{ timestamp, values: [{ value: 1 }] }] });
    expect(await statusOf(uploadOf(0, { body: late }))).toBe(400);
    expect(await count()).toBe(0);
  });

  test('takes gzip, keeps the inflated body, and refuses a bomb with 413', async () => {
    const gateway = await startGateway(cluster, upstreamOf(1));
    const gzip = { 'content-encoding': 'gzip' };
    const body = uploadBody(7);
    expect((await gateway.fetch(uploadOf(0, { body: gzipSync(body), headers: gzip }))).status).toBe(202);
    expect(Buffer.from((await stored(0))?.body ?? []).toString()).toBe(body);
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect((await gateway.fetch(uploadOf(0, { body: bomb, headers: gzip }))).status).toBe(413);
  });

  test('the largest body that is taken fits into a message, with the longest entry ids', async () => {
    const gateway = await startGateway(cluster, upstreamOf(1));
    const now = Math.floor(Date.now() / 1000);
    const entry = { timestamp: now, values: [{ text: 'x'.repeat(90_000) }] };
    const json = JSON.stringify({ clientTimestamp: now, entries: Array.from({ length: 11 }, () => entry) });
    const body = json.padEnd(1_048_576 - 24_576);
    const entryIds = (length: number) => `${'w'.repeat(length - 5)}/1-11`;
    expect((await gateway.fetch(uploadOf(0, { body, headers: { 'x-entry-ids': entryIds(16_384) } }))).status).toBe(202);
    expect((await gateway.fetch(uploadOf(0, { body, headers: { 'x-entry-ids': entryIds(16_385) } }))).status).toBe(400);
    expect((await gateway.fetch(uploadOf(0, { body: `${body} ` }))).status).toBe(413);
  });

  test('an SDK needs nothing but another baseUrl', async () => {
    const gateway = await startGateway(cluster, upstreamOf(1));
    const fetch = (url: string, init: RequestInit) => gateway.fetch(new Request(url, init));
    const api = new Api({ ...credentialsOf(0), baseUrl: 'http://localhost/api/v1/', fetch: fetch as never });
    api.addValue('temperature', 21.5);
    expect(await api.commitAndPush()).toMatchObject({ pushed: 1 });
    await api.close();
    expect(Buffer.from((await stored(0))?.body ?? []).toString()).toContain('[{"temperature":21.5}]');
  });

  test('reads are passed through with the key of the caller, answers of upstream too', async () => {
    const upstream = upstreamOf(1);
    await upstream.fetch(uploadOf(0, { value: 5 }));
    const gateway = await startGateway(cluster, upstream);
    const { deviceId, apiKey } = credentialsOf(0);
    const read = (key: string) =>
      gateway.fetch(
        new Request('http://gateway/api/v1/values/value,a%2F..%2Fb', {
          headers: { 'x-device-id': deviceId, 'x-api-key': key },
        }),
      );
    const response = await read(apiKey);
    expect(await response.json()).toMatchObject({ data: { values: [{ value: { value: 5 } }] } });
    expect(upstream.requests.at(-1)?.path).toBe('/api/v1/values/value,a%2F..%2Fb');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect((await read(uuidOf(9, 'e'))).status).toBe(401);
  });

  test('a read while upstream is away is a 503 with a delay', async () => {
    const gateway = await startGateway(cluster, () => Promise.reject(new TypeError('away')));
    const { deviceId, apiKey } = credentialsOf(0);
    const headers = { 'x-device-id': deviceId, 'x-api-key': apiKey };
    const response = await gateway.fetch(new Request('http://gateway/api/v1/values/value', { headers }));
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(3);
  });

  test('a preflight of a page is answered, and pages may read the answers', async () => {
    const gateway = await startGateway(cluster, upstreamOf(1));
    const headers = { 'access-control-request-method': 'POST', origin: 'https://page.example' };
    const response = await gateway.fetch(new Request('http://gateway/api/v1/entries/', { method: 'OPTIONS', headers }));
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-allow-headers')).toContain('x-entry-ids');
  });

  test('after close() uploads get 503, and what was acknowledged is in the stream', async () => {
    const gateway = await startGateway(cluster, upstreamOf(20));
    const statuses = Promise.all(Array.from({ length: 20 }, (_, device) => gateway.fetch(uploadOf(device))));
    await gateway.close();
    const accepted = (await statuses).filter(({ status }) => status === 202).length;
    expect(await count()).toBe(accepted);
    expect((await gateway.fetch(uploadOf(0))).status).toBe(503);
  });
});
