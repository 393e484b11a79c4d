import { connect } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { BUCKETS, SETTINGS_KEY } from '../../src/gateway/names.js';
import {
  createGateway,
  type GatewayServer,
  gatewayStatus,
  initGateway,
  type ServeOptions,
  serveGateway,
} from '../../src/gateway.js';
import { Api, type FetchLike } from '../../src/index.js';
import { credentialsOf, SECRET, startGateway, uploadBody, uploadOf, upstreamOf } from '../support/servers/gateways.js';
import { describeOnNats } from '../support/servers/nats-cluster.js';
import { useOneNode } from '../support/servers/one-node.js';
import { selfSigned } from '../support/servers/self-signed.js';

/** A message that was delivered to a worker that ended is delivered again after 15 s. */
const FORWARDED = { timeout: 40_000 };

describeOnNats('a gateway that listens', () => {
  const node = useOneNode();

  async function serve(options: Partial<ServeOptions> = {}): Promise<GatewayServer> {
    const { servers } = node.cluster;
    const fetch = upstreamOf(3).fetch as FetchLike;
    const server = await serveGateway({
      nats: { servers },
      secret: SECRET,
      fetch,
      port: 0,
      metricsPort: 0,
      logLevel: 'silent',
      ...options,
    });
    onTestFinished(() => server.close());
    return server;
  }

  const post = (url: string, device: number, init: RequestInit = {}): Promise<Response> => {
    const { deviceId, apiKey } = credentialsOf(device);
    const headers = {
      'x-device-id': deviceId,
      'x-api-key': apiKey,
      'content-type': 'application/json',
      ...init.headers,
    };
    return fetch(`${url}api/v1/entries/`, { method: 'POST', body: uploadBody(1), ...init, headers });
  };

  /** Sends bytes as they are. @returns All that comes back until the server ends the connection. */
  const raw = (url: string, bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = '';
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes));
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });

  test('listens on loopback, takes readings of an SDK, and forwards them', async () => {
    const upstream = upstreamOf(1);
    const { url } = await serve({ fetch: upstream.fetch as FetchLike });
    expect(new URL(url).hostname).toBe('127.0.0.1');
    const { deviceId } = credentialsOf(0);
    const api = new Api({ ...credentialsOf(0), baseUrl: `${url}api/v1/` });
    api.addValue('temperature', 21.5);
    await api.commitAndPush();
    await vi.waitFor(() => expect(upstream.entries(deviceId)).toHaveLength(1), FORWARDED);
    expect(upstream.entries(deviceId)).toMatchObject([{ values: [{ fieldId: 'temperature', value: 21.5 }] }]);
    expect((await api.testConnection()).credentials).toBe(true);
    await api.close();
  });

  test('G6 has its metrics on another port of this machine, without ids', async () => {
    const { url, metricsUrl } = await serve();
    await post(url, 0);
    expect((await fetch(`${url}metrics`)).status).toBe(404);
    expect(new URL(metricsUrl).hostname).toBe('127.0.0.1');
    await vi.waitFor(async () => {
      const text = await (await fetch(metricsUrl)).text();
      expect(text).toMatch(/nikdev_gateway_accepted_uploads_total\{verified="true"\} 1/);
      expect(text).toMatch(/nikdev_gateway_forwarded_entries_total [1-9]/);
      expect(text).toMatch(/nikdev_gateway_queue_messages\{partition="3"\} \d/);
      expect(text).not.toContain(credentialsOf(0).deviceId);
    }, FORWARDED);
    expect((await fetch(new URL('/', metricsUrl))).status).toBe(404);
  });

  test('has counted the uploads before its metrics are read for the first time', async () => {
    const gateway = await startGateway(node.cluster, upstreamOf(1));
    for (const value of [1, 2]) expect((await gateway.fetch(uploadOf(0, { value }))).status).toBe(202);
    expect((await gateway.metrics()).text).toContain('nikdev_gateway_accepted_uploads_total{verified="true"} 2');
  });

  test('is healthy and ready', async () => {
    const { url } = await serve();
    expect((await fetch(`${url}healthz`)).status).toBe(200);
    expect(await (await fetch(`${url}readyz`)).json()).toEqual({ status: 'ready' });
  });

  test('G2 answers a request without a key before its body, and ends the connection', async () => {
    const { url } = await serve();
    const head = 'POST /api/v1/entries/ HTTP/1.1\r\nhost: gateway\r\ncontent-length: 10000000\r\n\r\n{';
    const text = await raw(url, head);
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text).toMatch(/connection: close/i);
  });

  test('an upload that is refused before its body was read gets its response, and the connection stays', async () => {
    const { url } = await serve();
    const statuses = [];
    for (let count = 0; count < 20; count += 1) {
      const { status, headers } = await post(url, 9, { body: ' '.repeat(500_000) });
      statuses.push(status, headers.get('connection'));
    }
    expect(new Set(statuses)).toEqual(new Set([401, 'keep-alive']));
  });

  test('G6 refuses a head above 16 KiB', async () => {
    const { url } = await serve();
    const text = await raw(url, `GET /healthz HTTP/1.1\r\nhost: gateway\r\nx-long: ${'x'.repeat(17_000)}\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('serves https with a certificate', async () => {
    const { cert, key } = await selfSigned();
    const { url } = await serve({ tls: { cert, key } });
    expect(url).toMatch(/^https:/);
    await expect(fetch(`${url}healthz`)).rejects.toThrow();
  });

  test.each([
    ['is none', { cert: 'none', key: 'none' }],
    ['has the key of another', { cert: selfSigned().cert, key: selfSigned().key }],
  ])('a certificate that %s is refused', async (_name, tls) => {
    await expect(serve({ tls })).rejects.toMatchObject({
      name: 'GatewayException',
      message: expect.stringMatching(/^the certificate for https or its private key can't be used \(/),
    });
  });

  test('a port that is in use is named', async () => {
    const { url } = await serve();
    const port = Number(new URL(url).port);
    await expect(serve({ port })).rejects.toThrow(`port ${port} of 127.0.0.1 can't be used (EADDRINUSE)`);
  });

  test('with another number of partitions it is refused, and so is another init', async () => {
    const { servers } = node.cluster;
    const gateway = createGateway({ nats: { servers }, secret: SECRET, partitions: 8 });
    await expect(gateway.ready).rejects.toThrow(/^the cluster has 4 partitions, not 8/);
    await expect(initGateway({ nats: { servers }, replicas: 1, partitions: 8 })).rejects.toThrow(/^the cluster has 4/);
  });

  test('three replicas on a single server are refused', async () => {
    const { servers } = node.cluster;
    await expect(initGateway({ nats: { servers }, partitions: 4 })).rejects.toThrow(/^3 replicas need a cluster/);
  });

  test('status() reports the streams, and the partitions in which messages wait', async () => {
    const found = await gatewayStatus({ nats: { servers: node.cluster.servers } });
    expect(found).toMatchObject({ version: 1, partitions: 4 });
    expect(found.streams.map(({ name }) => name)).toEqual(['NIKDEV', 'NIKDEV_PARKED', 'NIKDEV_QUARANTINE']);
    expect(found.streams[0]).toMatchObject({
      leader: 'this server',
      currentReplicas: 1,
      replicas: 1,
      maxBytes: 50_000_000,
    });
  });

  test('a cluster of another format, or of none, is refused', async () => {
    const { servers } = node.cluster;
    const config = await node.nats.kv(BUCKETS.config);
    const settings = (await config.get(SETTINGS_KEY))?.string() ?? '';
    const ready = () => createGateway({ nats: { servers }, secret: SECRET }).ready;
    await config.put(SETTINGS_KEY, JSON.stringify({ version: 2, partitions: 4 }));
    await expect(ready()).rejects.toThrow(/^the cluster has the format 2 of another version/);
    await config.delete(SETTINGS_KEY);
    await expect(ready()).rejects.toThrow(/^the cluster has no streams of a gateway$/);
    await config.put(SETTINGS_KEY, settings);
  });

  test.each([
    '{"version":1}',
    '{"version":1,"partitions":"4"}',
    '{"version":1,"partitions":1000000000}',
    '{"version":1,"partitions":0}',
    '{"version":"1","partitions":4}',
    'null',
    'settings',
  ])('damaged settings, %s, are named, and nothing starts', async (damaged) => {
    const { servers } = node.cluster;
    const config = await node.nats.kv(BUCKETS.config);
    const settings = (await config.get(SETTINGS_KEY))?.string() ?? '';
    onTestFinished(async () => void (await config.put(SETTINGS_KEY, settings)));
    await config.put(SETTINGS_KEY, damaged);
    const exception = {
      name: 'GatewayException',
      message: expect.stringMatching(
        /^the settings of the cluster can't be read: the key settings of the bucket NIKDEV_C/,
      ),
      isTemporary: false,
    };
    await expect(createGateway({ nats: { servers }, secret: SECRET }).ready).rejects.toMatchObject(exception);
    await expect(gatewayStatus({ nats: { servers } })).rejects.toMatchObject(exception);
    await expect(initGateway({ nats: { servers }, replicas: 1, partitions: 4 })).rejects.toMatchObject(exception);
  });

  test('a worker that can not start leaves nothing that keeps the process alive', async () => {
    const failure = new Error('planted');
    vi.doMock('../../src/gateway/worker/worker.js', () => ({ createWorker: () => Promise.reject(failure) }));
    onTestFinished(() => void vi.doUnmock('../../src/gateway/worker/worker.js'));
    vi.resetModules();
    const { createGateway: createWithoutWorker } = await import('../../src/gateway.js');
    const [started, ended] = [vi.spyOn(globalThis, 'setTimeout'), vi.spyOn(globalThis, 'clearTimeout')];
    onTestFinished(() => void vi.restoreAllMocks());
    const { servers } = node.cluster;
    await expect(createWithoutWorker({ nats: { servers }, secret: SECRET }).ready).rejects.toBe(failure);
    const ofHealth = started.mock.results.filter((_, index) => started.mock.calls[index]?.[1] === 4000);
    expect(ofHealth).toHaveLength(1);
    for (const { value } of ofHealth) expect(ended).toHaveBeenCalledWith(value);
  });
});
