import { randomBytes } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { type KeyRecord, KeyRecords } from '../../src/gateway/keys/key-records.js';
import { hashKey, parseSecrets } from '../../src/gateway/keys/secret.js';
import { decodeMessage } from '../../src/gateway/message.js';
import { BUCKETS, PARKED, UPLOADS } from '../../src/gateway/names.js';
import type { Gateway } from '../../src/gateway.js';
import type { FetchLike } from '../../src/index.js';
import { leaksIn, SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { credentialsOf, SECRET, startGateway, uploadOf, upstreamOf, uuidOf } from '../support/servers/gateways.js';
import { describeOnNats } from '../support/servers/nats-cluster.js';
import { useOneNode } from '../support/servers/one-node.js';

const MINUTE = 60_000;

/** An upstream whose answer can be changed, with the number of its requests. */
function upstream(status: number | 'away' | 'hangs') {
  const server = { status, requests: 0, underWay: 0, most: 0, release: () => {} };
  const released = new Promise<void>((resolve) => {
    server.release = resolve;
  });
  const fetch: FetchLike = async (_, init) => {
    server.requests += 1;
    server.underWay += 1;
    server.most = Math.max(server.most, server.underWay);
    try {
      if (server.status === 'away') throw new TypeError('fetch failed');
      if (server.status === 'hangs') await Promise.race([released, aborted(init?.signal as AbortSignal)]);
      return new Response('{}', { status: server.status === 'hangs' ? 200 : server.status });
    } finally {
      server.underWay -= 1;
    }
  };
  return Object.assign(server, { fetch });
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describeOnNats('the keys of a gateway', () => {
  const node = useOneNode();
  let device = 0;
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** Sets the wall clock by a step. */
  const step = (milliseconds: number): void =>
    void vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + milliseconds });

  /** Lets time pass on the monotonic clock. */
  function pass(milliseconds: number): void {
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + milliseconds);
  }

  /** Writes the record of the key of the current device, as a gateway does. */
  async function writeRecord(record: Omit<KeyRecord, 'apiKey' | 'keyHash'>): Promise<void> {
    const secrets = parseSecrets(SECRET);
    const { deviceId, apiKey } = credentialsOf(device);
    const keyHash = hashKey(secrets.newest, deviceId, apiKey);
    await new KeyRecords(node.nats, secrets).write(deviceId, { apiKey, keyHash, ...record });
  }

  /** The messages of a device that are verified, and those that are not. */
  async function verifiedOf(number: number): Promise<boolean[]> {
    const found: boolean[] = [];
    const { state } = await node.nats.jsm.streams.info(UPLOADS);
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await node.nats.jsm.streams.getMessage(UPLOADS, { seq }).catch(() => null);
      if (message === null || !message.subject.endsWith(uuidOf(number))) continue;
      const decoded = decodeMessage(
        { ...message, headers: message.header, subject: message.subject, data: message.data },
        parseSecrets(SECRET),
      );
      if (decoded.kind === 'upload') found.push(decoded.upload.isVerified);
    }
    return found;
  }

  test('an unknown key is checked upstream once, by an upload without entries', async () => {
    const server = upstreamOf(1);
    const gateway = await startGateway(node.cluster, server);
    for (const value of [1, 2, 3]) expect((await gateway.fetch(uploadOf(0, { value }))).status).toBe(202);
    expect(server.requests).toMatchObject([{ method: 'POST', entries: 0, status: 200 }]);
    const other = await startGateway(node.cluster, server);
    expect((await other.fetch(uploadOf(0))).status).toBe(202);
    expect(server.requests).toHaveLength(1);
  });

  test('G1 a refused key gets 401 for 60 s without another check, and is checked again then', async () => {
    device += 1;
    const server = upstream(401);
    const gateway = await startGateway(node.cluster, server.fetch);
    const post = async () => (await gateway.fetch(uploadOf(device))).status;
    expect([await post(), await post()]).toEqual([401, 401]);
    expect(server.requests).toBe(1);
    server.status = 200;
    pass(MINUTE + 1);
    step(MINUTE + 1);
    expect(await post()).toBe(202);
    expect(server.requests).toBe(2);
  });

  test('a key that has become valid is accepted after 60 s though the clock was set back', async () => {
    device += 1;
    const server = upstream(401);
    const gateway = await startGateway(node.cluster, server.fetch);
    const other = await startGateway(node.cluster, server.fetch);
    const post = async (at: Gateway) => (await at.fetch(uploadOf(device))).status;
    expect(await post(gateway)).toBe(401);
    await writeRecord({ state: 'refused', status: 401, at: Date.now() });
    server.status = 200;
    step(-24 * 60 * MINUTE);
    expect([await post(gateway), await post(other)]).toEqual([401, 202]);
    pass(MINUTE + 1);
    expect(await post(gateway)).toBe(202);
  });

  test('a key that could not be checked is checked again after 10 s though the clock was set back', async () => {
    device += 1;
    const server = upstream('away');
    const gateway = await startGateway(node.cluster, server.fetch);
    expect((await gateway.fetch(uploadOf(device))).status).toBe(202);
    server.status = 200;
    step(-24 * 60 * MINUTE);
    pass(11_000);
    expect((await gateway.fetch(uploadOf(device))).status).toBe(202);
    expect(await verifiedOf(device)).toEqual([false, true]);
  });

  test('a key without the right to write gets 403', async () => {
    device += 1;
    const gateway = await startGateway(node.cluster, upstream(403).fetch);
    expect((await gateway.fetch(uploadOf(device))).status).toBe(403);
  });

  test('while upstream hangs, an unknown key waits 2 s at most, and is unverified', { timeout: 30_000 }, async () => {
    device += 1;
    const server = upstream('hangs');
    const gateway = await startGateway(node.cluster, server.fetch);
    const started = performance.now();
    expect((await gateway.fetch(uploadOf(device))).status).toBe(202);
    expect(performance.now() - started).toBeGreaterThan(1900);
    const again = performance.now();
    expect((await gateway.fetch(uploadOf(device))).status).toBe(202);
    expect(performance.now() - again).toBeLessThan(1900);
    expect(server.requests).toBe(1);
    expect(await verifiedOf(device)).toEqual([false, false]);
  });

  test('G1 an unverified key has a quota of messages, and none once upstream has accepted it', async () => {
    device += 1;
    const server = upstream('away');
    const gateway = await startGateway(node.cluster, server.fetch);
    const statuses = new Map<number, number>();
    const post = async () => {
      const { status } = await gateway.fetch(uploadOf(device));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    };
    for (let count = 0; count < 1002; count += 1) await post();
    expect(Object.fromEntries(statuses)).toEqual({ 202: 1000, 503: 2 });
    server.status = 200;
    pass(11_000);
    await post();
    expect(statuses.get(202)).toBe(1001);
    expect((await verifiedOf(device)).at(-1)).toBe(true);
  });

  test('G1 a flood of unknown keys is checked 16 at a time', async () => {
    const server = upstream('hangs');
    const gateway = await startGateway(node.cluster, server.fetch);
    const responses = Promise.all(Array.from({ length: 100 }, (_, index) => gateway.fetch(uploadOf(1000 + index))));
    await vi.waitFor(() => expect(server.requests).toBe(16), { timeout: 15_000, interval: 10 });
    server.status = 401;
    server.release();
    await responses;
    expect(server.most).toBe(16);
  });

  test('a key that upstream refuses later gets 401 at the gateway that forwards', async () => {
    device += 1;
    await node.nats.jsm.streams.purge(UPLOADS);
    const server = upstream(200);
    const gateway = await startGateway(node.cluster, server.fetch);
    expect((await gateway.fetch(uploadOf(device))).status).toBe(202);
    server.status = 401;
    const other = await startGateway(node.cluster, server.fetch, { worker: true });
    await vi.waitFor(async () => expect((await other.fetch(uploadOf(device))).status).toBe(401), {
      timeout: 15_000,
      interval: 200,
    });
  });

  test('G5 after a rotation of the secret no key is checked again, and without the old secret each is', async () => {
    device += 1;
    const server = upstream(200);
    const first = await startGateway(node.cluster, server.fetch);
    await first.fetch(uploadOf(device));
    const newer = randomBytes(32).toString('base64');
    const rotated = await startGateway(node.cluster, server.fetch, { secret: `${newer},${SECRET}` });
    expect((await rotated.fetch(uploadOf(device))).status).toBe(202);
    expect(server.requests).toBe(1);
    const next = await startGateway(node.cluster, server.fetch, { secret: newer });
    expect((await next.fetch(uploadOf(device))).status).toBe(202);
    expect(server.requests).toBe(1);
    const foreign = await startGateway(node.cluster, server.fetch, { secret: randomBytes(32).toString('base64') });
    expect((await foreign.fetch(uploadOf(device))).status).toBe(202);
    expect(server.requests).toBe(2);
  });

  test('a key is in clear in no file of the cluster, no log, no metric', async () => {
    const lines: string[] = [];
    const log = (fields: object, line: string) => void lines.push(JSON.stringify(fields), line);
    const logger = { debug: log, info: log, warn: log, error: log };
    const server = upstream(200);
    const gateway = await startGateway(node.cluster, server.fetch, { logger });
    const headers = { 'x-api-key': SENTINEL_KEY };
    expect((await gateway.fetch(uploadOf(0, { headers }))).status).toBe(202);
    const echo: FetchLike = async (_, init) => {
      const key = new Headers(init?.headers as HeadersInit).get('x-api-key');
      return new Response(JSON.stringify({ message: `the key ${key}` }), { status: key === SENTINEL_KEY ? 401 : 200 });
    };
    const other = await startGateway(node.cluster, echo, { logger, worker: true });
    await vi.waitFor(async () => expect((await node.nats.jsm.streams.info(PARKED)).state.messages).toBeGreaterThan(0), {
      timeout: 15_000,
    });
    const { text } = await other.metrics();
    const leaks = [text, ...lines].flatMap((it) => leaksIn(it));
    const files = [...node.cluster.files()];
    const inFiles = files.filter(({ bytes }) => leaksIn(bytes.toString('latin1')).length > 0).map(({ path }) => path);
    expect(files.some(({ path }) => path.includes(`KV_${BUCKETS.keys}`))).toBe(true);
    expect([leaks, inFiles]).toEqual([[], []]);
    expect(text).not.toContain(uuidOf(0));
  });
});
