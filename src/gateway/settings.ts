import { GatewayException } from './gateway-exception.js';
import { BUCKETS, FORMAT_VERSION, SETTINGS_KEY } from './names.js';
import type { Nats } from './nats.js';
import { isStreamMissing } from './stream-failure.js';
import { untilAnswered } from './until-answered.js';

/** The settings of a cluster, made by `init` once and for all. */
export interface ClusterSettings {
  readonly version: number;
  readonly partitions: number;
}

/** @returns `undefined` if the cluster has none yet. */
export async function findSettings(nats: Nats, signal?: AbortSignal): Promise<ClusterSettings | undefined> {
  const read = async () =>
    (await nats.kv(BUCKETS.config)).get(SETTINGS_KEY).catch((error: unknown) => {
      if (isStreamMissing(error)) return null;
      throw error;
    });
  const entry = await untilAnswered(`the bucket ${BUCKETS.config}`, read, signal);
  return entry?.operation !== 'PUT' ? undefined : (JSON.parse(entry.string()) as ClusterSettings);
}

/**
 * Reads the settings of a cluster.
 *
 * @param partitions - The expected number of partitions; absent if any will do.
 * @param signal - Ends the wait for a cluster that elects a leader.
 * @throws GatewayException if this gateway can't work with them, or the cluster does not answer.
 */
export async function readSettings(nats: Nats, partitions?: number, signal?: AbortSignal): Promise<ClusterSettings> {
  const settings = await findSettings(nats, signal);
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
      'Leave out partitions (--partitions), or follow "More partitions" in docs/gateway.md.',
    );
}
