import * as v from 'valibot';
import { GatewayException } from './gateway-exception.js';
import { BUCKETS, FORMAT_VERSION, MAX_PARTITIONS, SETTINGS_KEY } from './names.js';
import type { Nats } from './nats.js';
import { isStreamMissing } from './stream-failure.js';
import { untilAnswered } from './until-answered.js';

/** The settings of a cluster, made by `init` once and for all. */
export interface ClusterSettings {
  readonly version: number;
  readonly partitions: number;
}

/** @returns `undefined` if the cluster has none yet. @throws GatewayException if they are damaged, or the cluster does not answer. */
export async function findSettings(nats: Nats, signal?: AbortSignal): Promise<ClusterSettings | undefined> {
  const read = async () =>
    (await nats.kv(BUCKETS.config)).get(SETTINGS_KEY).catch((error: unknown) => {
      if (isStreamMissing(error)) return null;
      throw error;
    });
  const entry = await untilAnswered(`the bucket ${BUCKETS.config}`, read, signal);
  return entry?.operation === 'PUT' ? parseSettings(entry.string()) : undefined;
}

const Other = v.object({ version: v.pipe(v.number(), v.safeInteger(), v.notValue(FORMAT_VERSION)) });
const partitions = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_PARTITIONS));
const Own = v.object({ version: v.literal(FORMAT_VERSION), partitions });

/** Of another version only the version is read. */
function parseSettings(text: string): ClusterSettings {
  const json = parseJson(text);
  const own = v.safeParse(Own, json);
  if (own.success) return own.output;
  const other = v.safeParse(Other, json);
  if (other.success) return { version: other.output.version, partitions: 0 };
  throw new GatewayException(
    `the settings of the cluster can't be read: the key ${SETTINGS_KEY} of the bucket ${BUCKETS.config} is damaged`,
    'Restore a backup of the bucket, or write it again with the number of partitions that the cluster has: see docs/troubleshooting.md.',
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
      `the cluster has the format ${settings.version} of another version of the gateway, which has ${FORMAT_VERSION}`,
      'Run the version of nikdev-iot that the cluster was made with, or follow "Upgrade" in docs/gateway.md.',
    );
  if (settings.partitions !== partitions)
    throw new GatewayException(
      `the cluster has ${settings.partitions} partitions, not ${partitions}: another number would break the order of each device`,
      'Leave out partitions (--partitions), or follow "More partitions" in docs/gateway.md.',
    );
}
