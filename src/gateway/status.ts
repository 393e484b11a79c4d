import type { StreamInfo } from '@nats-io/jetstream';
import { PARKED, QUARANTINE, UPLOADS } from './names.js';
import type { Nats } from './nats.js';
import { findMissing, needsOf } from './needs.js';
import { type Depths, type PartitionDepth, QueueDepth } from './operations/queue-depth.js';
import type { GatewayNatsOptions } from './options.js';
import { untilAnswered } from './until-answered.js';
import { withCluster } from './with-cluster.js';

/** A stream of the gateways. */
export interface StreamStatus {
  /** The name of the stream. */
  readonly name: string;
  /** The messages that it holds. */
  readonly messages: number;
  /** Their bytes. */
  readonly bytes: number;
  /** The bytes that it may hold. */
  readonly maxBytes: number;
  /** The devices with messages in it. */
  readonly devices: number;
  /** The server that leads; `undefined` if there is none now. */
  readonly leader: string | undefined;
  /** Copies, the leader's included, that are up to date. */
  readonly currentReplicas: number;
  /** Copies that there should be. */
  readonly replicas: number;
}

/** The state of the gateways of a cluster. */
export interface GatewayStatus {
  /** The version of the format. */
  readonly version: number;
  /** How many uploads are forwarded at once. */
  readonly partitions: number;
  /** The queue, the parked messages and the quarantine, those that exist. */
  readonly streams: readonly StreamStatus[];
  /** The names of the streams and buckets that do not exist: a gateway without them is not ready. */
  readonly missing: readonly string[];
  /** The partitions in which messages wait. */
  readonly waiting: readonly PartitionDepth[];
  /** The messages of the queue that are in no partition, so that nothing takes them: something other than a gateway wrote them. */
  readonly strays: number;
}

/**
 * Reads the state of the gateways of a cluster.
 *
 * @throws GatewayException if the cluster can't be reached or has no gateway.
 * @example
 * ```ts
 * const { streams } = await gatewayStatus()
 * for (const { name, messages } of streams) console.log(name, messages)
 * ```
 */
export async function gatewayStatus({
  nats: given,
}: {
  readonly nats?: GatewayNatsOptions | undefined;
} = {}): Promise<GatewayStatus> {
  return withCluster(given, async (nats, { version, partitions }) => {
    const missing = (await findMissing(nats, needsOf(true))).map(({ name }) => name);
    const existing = [UPLOADS, PARKED, QUARANTINE].filter((name) => !missing.includes(name));
    const streams = await Promise.all(existing.map((name) => readStream(nats, name)));
    const { partitions: depths, strays } = existing.includes(UPLOADS) ? await readDepths(nats, partitions) : NOTHING;
    const waiting = depths.filter(({ messages }) => messages > 0);
    return { version, partitions, streams, missing, waiting, strays };
  });
}

const readStream = async ({ jsm }: Nats, name: string): Promise<StreamStatus> =>
  statusOf(await untilAnswered(`the stream ${name}`, () => jsm.streams.info(name)));

const NOTHING: Depths = { partitions: [], strays: 0 };

const readDepths = (nats: Nats, partitions: number): Promise<Depths> =>
  untilAnswered(`the stream ${UPLOADS}`, () => new QueueDepth(nats, partitions).read());

function statusOf({ config, state, cluster }: StreamInfo): StreamStatus {
  return {
    name: config.name,
    messages: state.messages,
    bytes: state.bytes,
    maxBytes: config.max_bytes,
    devices: state.num_subjects ?? 0,
    leader: cluster === undefined ? 'this server' : cluster.leader,
    currentReplicas: 1 + (cluster?.replicas?.filter(({ current }) => current).length ?? 0),
    replicas: config.num_replicas,
  };
}
