import { GatewayException } from './gateway-exception.js';
import { BUCKETS, FORMAT_VERSION, SETTINGS_KEY } from './names.js';
import type { Nats } from './nats.js';

/** The settings of a cluster, made by `init` once and for all. */
export interface ClusterSettings {
  readonly version: number;
  readonly partitions: number;
}

/** @returns `undefined` if the cluster has none yet. */
export async function findSettings(nats: Nats): Promise<ClusterSettings | undefined> {
  const bucket = await nats.kv(BUCKETS.config);
  const entry = await bucket.get(SETTINGS_KEY).catch((error: Error) => {
    if (isMissing(error)) return null;
    throw error;
  });
  return entry?.operation !== 'PUT' ? undefined : (JSON.parse(entry.string()) as ClusterSettings);
}

/**
 * Reads the settings of a cluster.
 *
 * @param partitions - The expected number of partitions; absent if any will do.
 * @throws GatewayException if this gateway can't work with them.
 */
export async function readSettings(nats: Nats, partitions?: number): Promise<ClusterSettings> {
  const settings = await findSettings(nats);
  if (settings === undefined)
    throw new GatewayException('the cluster has no streams of a gateway', 'Run once: nikdev-iot gateway init');
  checkSettings(settings, partitions);
  return settings;
}

/** @throws GatewayException unless this gateway can work with the settings. */
export function checkSettings(settings: ClusterSettings, partitions = settings.partitions): void {
  if (settings.version !== FORMAT_VERSION)
    throw new GatewayException(
      `the cluster has the format ${Number(settings.version)} of another version of the gateway, which has ${FORMAT_VERSION}`,
      'Run the version of nikdev-iot that the cluster was made with, or follow "Upgrade" in docs/gateway.md.',
    );
  if (settings.partitions !== partitions)
    throw new GatewayException(
      `the cluster has ${Number(settings.partitions)} partitions, not ${partitions}: another number would break the order of each device`,
      'Leave out --partitions, or follow "More partitions" in docs/gateway.md.',
    );
}

/** Whether a stream, a bucket or JetStream's answer about it is missing. */
export const isMissing = (error: unknown): boolean =>
  /NotFound|not found|no responders/i.test(`${(error as Error | null)?.name} ${(error as Error | null)?.message}`);
