import { afterEach, expect, test } from 'vitest';
import type { Nats } from '../../src/gateway/nats.js';
import { GatewayNews } from '../../src/gateway/news.js';
import { Health } from '../../src/gateway/operations/health.js';

/** A cluster that answers. */
const nats = {
  jsm: { streams: { info: async () => ({}) } },
  kv: async () => ({ put: async () => 1 }),
} as unknown as Nats;

let health: Health;
afterEach(() => health.close());

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
