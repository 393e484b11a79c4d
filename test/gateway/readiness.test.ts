import { afterEach, expect, test, vi } from 'vitest';
import type { Nats } from '../../src/gateway/nats.js';
import { needsOf } from '../../src/gateway/needs.js';
import { GatewayNews } from '../../src/gateway/news.js';
import { Health } from '../../src/gateway/operations/health.js';

/** A cluster that answers. */
const info = vi.fn(async (_stream: string) => ({}));
const nats = {
  jsm: { streams: { info } },
  kv: async () => ({ put: async () => 1, get: async () => null }),
} as unknown as Nats;

let health: Health;
afterEach(() => {
  health.close();
  info.mockReset();
});

test('asks for each stream once at a time, as all gateways do so every few seconds', async () => {
  health = new Health(nats, new GatewayNews(), needsOf(true));
  await health.start();
  expect(info.mock.calls.flat().sort()).toEqual(['NIKDEV', 'NIKDEV_PARKED', 'NIKDEV_QUARANTINE']);
});

test('names the stream of the queue if it is missing', async () => {
  info.mockImplementation(async (stream) => {
    if (stream === 'NIKDEV') throw Object.assign(new Error('stream not found'), { code: 10_059 });
    return {};
  });
  health = new Health(nats, new GatewayNews(), needsOf(true));
  await health.start();
  expect(health.readiness).toEqual({ isReady: false, reason: 'missing: the stream NIKDEV' });
});

test('a gateway is not ready once the stream does not acknowledge, but stays ready if one device has too much in the queue', async () => {
  const news = new GatewayNews();
  health = new Health(nats, news, []);
  await health.start();
  expect(health.readiness).toEqual({ isReady: true });
  news.emit('unacknowledged', { reason: 'the device has too much in the queue', isOfDevice: true });
  expect(health.readiness).toEqual({ isReady: true });
  news.emit('unacknowledged', { reason: 'no stream answers' });
  expect(health.readiness).toMatchObject({ isReady: false });
});
