import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createGateway, type GatewayOptions, initGateway, serveGateway } from '../../src/gateway.js';

const secret = randomBytes(32).toString('base64');
const far = 'tls://nats.example:4222';

describe('the options of a gateway', () => {
  test.each<[string, Partial<GatewayOptions>, RegExp]>([
    ['G5 no secret', { secret: undefined as never }, /^secret is missing/],
    ['G5 a short secret', { secret: secret.slice(4) }, /^the secret must be 32 bytes in base64$/],
    ['an unknown option', { retries: 3 } as never, /^retries is unknown; there is nats, secret, /],
    ['no server', { nats: { servers: [] } }, /^nats\.servers must be a list of URLs/],
    ['a server that is no URL', { nats: { servers: ['n1'] } }, /^nats\.servers\[0\] must be a URL/],
    ['G3 NATS elsewhere without TLS', { nats: { servers: ['nats://nats.example:4222'], user: 'u' } }, /needs TLS and/],
    ['G3 NATS elsewhere without credentials', { nats: { servers: [far] } }, /^NATS on another machine needs TLS and/],
    ['G3 one of the servers elsewhere', { nats: { servers: ['nats://127.0.0.1', far] } }, /^NATS on another machine/],
    ['G6 upstream elsewhere without TLS', { upstream: 'http://iot.example/' }, /^upstream must be https beyond/],
    [
      'G7 upstream with a password',
      { upstream: 'https://user:hunter2@iot.example/' },
      /^upstream must be an https URL without/,
    ],
    [
      'G3 a user and credentials',
      { nats: { user: 'u', credentials: 'c' } },
      /^nats\.user and nats\.credentials exclude/,
    ],
    ['G3 a key without a certificate', { nats: { key: 'k' } }, /^nats\.cert and nats\.key must be set together/],
    ['G3 a certificate without a key', { nats: { cert: 'c' } }, /^nats\.cert and nats\.key must be set together/],
    ['too many partitions', { partitions: 1025 }, /^partitions must be a whole number from 1 to 1024/],
  ])('%s is refused', (_name, options, message) => {
    expect(() => createGateway({ secret, ...options })).toThrow(expect.objectContaining({ name: 'GatewayException' }));
    expect(() => createGateway({ secret, ...options })).toThrow(message);
  });

  test('G7 credentials in a URL are refused, and not shown', () => {
    const create = () => createGateway({ secret, nats: { servers: ['nats://user:hunter2@127.0.0.1:4222'] } });
    expect(create).toThrow(/must not hold credentials/);
    expect(create).not.toThrow(/hunter2/);
  });

  test('G6 an address beyond this machine needs TLS or a proxy that ends it', async () => {
    await expect(serveGateway({ secret, host: '0.0.0.0' })).rejects.toThrow(
      /^beyond this machine the gateway needs TLS/,
    );
    await expect(serveGateway({ secret, host: '::' })).rejects.toThrow(/^beyond this machine the gateway needs TLS/);
  });

  test('the replicas are as many as a cluster can have', async () => {
    await expect(initGateway({ replicas: 2 })).rejects.toThrow(/^replicas must be 1, 3 or 5/);
  });

  test('a cluster that is away is named as such, without its address', async () => {
    const gateway = createGateway({ secret, nats: { servers: ['nats://127.0.0.1:1'] } });
    await expect(gateway.ready).rejects.toThrow(/^the NATS cluster can't be reached \(\w+\)$/);
    await gateway.close();
  });
});
