import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { createEmulator, type Emulator } from '../../../src/emulator.js';
import {
  createGateway,
  type Gateway,
  type GatewayInitOptions,
  type GatewayOptions,
  initGateway,
} from '../../../src/gateway.js';
import type { FetchLike } from '../../../src/index.js';
import type { NatsCluster } from './nats-cluster.js';

/** The secret of the gateways of a test file. */
export const SECRET = randomBytes(32).toString('base64');

/** Makes small streams in a cluster. */
export const initCluster = ({ servers }: NatsCluster, options: Omit<GatewayInitOptions, 'nats'> = {}): Promise<void> =>
  initGateway({ nats: { servers }, partitions: 4, maxBytes: 50_000_000, ...options });

/** Starts a gateway, which is closed with the test. */
export async function startGateway(
  { servers }: NatsCluster,
  upstream: Emulator | FetchLike,
  options: Partial<GatewayOptions> = {},
): Promise<Gateway> {
  const fetch = typeof upstream === 'function' ? upstream : (upstream.fetch as FetchLike);
  const gateway = createGateway({ nats: { servers }, secret: SECRET, fetch, worker: false, ...options });
  onTestFinished(() => gateway.close());
  await gateway.ready;
  return gateway;
}

/** The UUID of a device or key by its number. */
export const uuidOf = (number: number, kind = 'd'): string =>
  `${kind.repeat(8)}-1111-4111-8111-${String(number).padStart(12, '0')}`;

/** An upstream with some devices, numbered from 0, each with a key of its own. */
export const upstreamOf = (devices: number): Emulator =>
  createEmulator({
    devices: Array.from({ length: devices }, (_, device) => ({
      deviceId: uuidOf(device),
      apiKeys: [{ key: uuidOf(device, 'e'), read: true, write: true }],
    })),
  });

/** The credentials of a device of {@link upstreamOf}. */
export const credentialsOf = (device: number) => ({ deviceId: uuidOf(device), apiKey: uuidOf(device, 'e') });

/** An upload of a device, as the SDK sends it. */
export function uploadOf(
  device: number,
  { value = 1, headers = {}, body = uploadBody(value) }: UploadParts = {},
): Request {
  const { deviceId, apiKey } = credentialsOf(device);
  return new Request('http://gateway/api/v1/entries/', {
    method: 'POST',
    headers: { 'x-device-id': deviceId, 'x-api-key': apiKey, 'content-type': 'application/json', ...headers },
    body,
    duplex: 'half',
  } as RequestInit);
}

interface UploadParts {
  readonly value?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
}

/** A body with one entry. */
export function uploadBody(value: number): string {
  const now = Math.floor(Date.now() / 1000);
  return JSON.stringify({ clientTimestamp: now, entries: [{ timestamp: now, values: [{ value }] }] });
}
