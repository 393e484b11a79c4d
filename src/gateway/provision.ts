import type { ConsumerConfig, StreamConfig, StreamInfo } from '@nats-io/jetstream';
import type { KvOptions } from '@nats-io/kv';
import { GatewayException } from './gateway-exception.js';
import {
  BUCKETS,
  consumerOf,
  FORMAT_VERSION,
  PARKED,
  partitionSubject,
  QUARANTINE,
  SETTINGS_KEY,
  SUBJECTS,
  UPLOADS,
} from './names.js';
import type { Nats } from './nats.js';
import { loadPeer } from './peers.js';
import { checkSettings, findSettings } from './settings.js';
import { isOutOfSpace, isStreamMissing } from './stream-failure.js';
import { untilAnswered } from './until-answered.js';

/** The size of the streams of a gateway. */
export interface ProvisionOptions {
  /** Copies of each message: 1, 3 or 5. */
  readonly replicas: number;
  /** Fixed once and for all. */
  readonly partitions: number;
  /** Bytes of the queue. Parked messages get half of that, quarantine, marks and keys a tenth each. */
  readonly maxBytes: number;
  /** Messages of one device in the queue. */
  readonly maxMessagesPerDevice: number;
}

const SECOND = 1e9;
const DAY_MS = 24 * 3_600_000;
/** A worker extends it every 5 s while it works on a message. */
const ACK_WAIT = 15 * SECOND;
/** JetStream keeps the ids of this time in memory. */
const DUPLICATES = 2 * 60 * SECOND;
const MAX_MARK_BYTES = 32_768;
const MAX_KEY_BYTES = 1024;
const MAX_STATE_BYTES = 65_536;

/**
 * Makes the streams, consumers and buckets, and adapts the sizes of those that are there. Only `init` does: a stream that vanished is
 * an alarm, and an empty one in its place would hide the loss.
 *
 * @throws GatewayException if the cluster has other settings or holds more than the new sizes, or does not answer.
 */
export async function provision(nats: Nats, options: ProvisionOptions): Promise<void> {
  await checkBefore(nats, options);
  for (const stream of streamsOf(options)) await checkStream(nats, stream);
  for (const [name, bucket] of bucketsOf(options)) await checkBucket(nats, name, bucket);
  for (const stream of streamsOf(options))
    await withSpace(`the stream ${stream.name}`, stream.max_bytes, () => addStream(nats, stream));
  for (const [name, bucket] of bucketsOf(options))
    await withSpace(`the bucket ${name}`, bucket.max_bytes, () => addBucket(nats, name, bucket));
  for (let partition = 0; partition < options.partitions; partition++)
    await untilAnswered(`the consumer ${consumerOf(partition)}`, () =>
      nats.jsm.consumers.add(UPLOADS, consumerConfig(partition)),
    );
  // Last: a gateway runs only on a cluster that is complete.
  const settings = JSON.stringify({ version: FORMAT_VERSION, partitions: options.partitions });
  const config = await nats.kv(BUCKETS.config);
  await untilAnswered(`the bucket ${BUCKETS.config}`, () => config.put(SETTINGS_KEY, settings));
}

async function checkBefore(nats: Nats, { replicas, partitions }: ProvisionOptions): Promise<void> {
  const settings = await findSettings(nats);
  if (settings !== undefined) checkSettings(settings, partitions);
  const { connection } = nats;
  if (replicas > 1 && connection.info?.cluster === undefined)
    throw new GatewayException(
      `${replicas} replicas need a cluster, and this server is not in one`,
      'Start three nats-server with the same cluster name, or set replicas (--replicas) to 1: without replicas, a lost disk loses its uploads.',
    );
}

function streamsOf({ replicas, maxBytes, maxMessagesPerDevice }: ProvisionOptions): StreamOptions[] {
  const common = { storage: 'file', discard: 'new', num_replicas: replicas, duplicate_window: DUPLICATES } as const;
  return [
    {
      ...common,
      name: UPLOADS,
      subjects: [SUBJECTS[UPLOADS]],
      retention: 'workqueue',
      max_bytes: maxBytes,
      max_msgs_per_subject: maxMessagesPerDevice,
      discard_new_per_subject: true,
    },
    { ...common, name: PARKED, subjects: [SUBJECTS[PARKED]], retention: 'limits', max_bytes: Math.ceil(maxBytes / 2) },
    {
      ...common,
      name: QUARANTINE,
      subjects: [SUBJECTS[QUARANTINE]],
      retention: 'limits',
      max_bytes: Math.ceil(maxBytes / 10),
    },
  ];
}

type StreamOptions = Partial<StreamConfig> & { readonly name: string };

const findStream = ({ jsm }: Nats, name: string): Promise<StreamInfo | undefined> =>
  jsm.streams.info(name).catch((error: Error) => {
    if (isStreamMissing(error)) return undefined;
    throw error;
  });

/** @throws GatewayException if a stream can't be changed as wanted, or would lose messages. */
async function checkStream(nats: Nats, wanted: StreamOptions): Promise<void> {
  const { name, max_bytes: maxBytes = -1, max_msgs_per_subject: maxMessages = -1, retention } = wanted;
  const found = await untilAnswered(`the stream ${name}`, () => findStream(nats, name));
  if (found === undefined) return;
  if (found.config.retention !== retention)
    throw new GatewayException(
      `the stream ${name} is not a gateway's`,
      'Use another NATS account, or delete that stream if it is of no use.',
    );
  checkBytes(`the stream ${name}`, found, maxBytes);
  if (maxMessages > 0 && found.state.messages > maxMessages) await checkSubjects(nats, name, maxMessages);
}

async function checkBucket(nats: Nats, name: string, { max_bytes: maxBytes = -1 }: Partial<KvOptions>): Promise<void> {
  const title = `the bucket ${name}`;
  const found = await untilAnswered(title, () => findStream(nats, `KV_${name}`));
  if (found !== undefined) checkBytes(title, found, maxBytes);
}

/** JetStream deletes the oldest messages of a stream that exceeds a new limit, though it refuses new messages otherwise. */
function checkBytes(title: string, { state: { bytes } }: StreamInfo, maxBytes: number): void {
  if (maxBytes > 0 && bytes > maxBytes)
    throw new GatewayException(
      `${title} holds ${bytes} bytes, and would have space for ${maxBytes}`,
      'Nothing was changed. Set a larger maxBytes (--max-bytes), or try again once less waits: see nikdev-iot gateway status.',
    );
}

async function checkSubjects({ jsm }: Nats, name: string, maxMessages: number): Promise<void> {
  const read = () => jsm.streams.info(name, { subjects_filter: '>' });
  const { state } = await untilAnswered(`the stream ${name}`, read);
  const most = Object.values(state.subjects ?? {}).reduce((one, other) => Math.max(one, other), 0);
  if (most > maxMessages)
    throw new GatewayException(
      `the stream ${name} holds ${most} messages of one device, and would have space for ${maxMessages}`,
      'Nothing was changed. Set a larger maxMessagesPerDevice (--max-messages), which has a default, or try again once less waits: see nikdev-iot gateway status.',
    );
}

/** @throws GatewayException if the servers have no space for a size. */
async function withSpace(title: string, maxBytes: number | undefined, add: () => Promise<void>): Promise<void> {
  await untilAnswered(title, add).catch((cause: unknown) => {
    if (!isOutOfSpace(cause)) throw cause;
    throw new GatewayException(
      `the servers have no space for ${title}${maxBytes === undefined ? '' : ` of ${maxBytes} bytes`}`,
      'Each server needs 1.8 times maxBytes (--max-bytes) of disk, and jetstream { max_file } must allow it. Correct one of them, and run init again: it completes what is missing.',
      { cause },
    );
  });
}

/** Adds a stream, or changes those settings of an existing one that may change: its retention is fixed. */
async function addStream(nats: Nats, wanted: StreamOptions): Promise<void> {
  const { streams } = nats.jsm;
  const { name, max_bytes, max_msgs_per_subject, num_replicas } = wanted;
  if ((await findStream(nats, name)) === undefined) return void (await streams.add(wanted));
  const sizes = { max_bytes, num_replicas, ...(max_msgs_per_subject && { max_msgs_per_subject }) };
  await streams.update(name, sizes as Partial<StreamConfig>);
}

function bucketsOf({ replicas, maxBytes }: ProvisionOptions): [string, Partial<KvOptions>][] {
  // Without direct reads, which a follower that lags may answer.
  const common = { history: 1, replicas, allow_direct: false };
  const share = Math.ceil(maxBytes / 10);
  return [
    [BUCKETS.config, { ...common, maxValueSize: MAX_KEY_BYTES }],
    [BUCKETS.marks, { ...common, ttl: 7 * DAY_MS, max_bytes: share, maxValueSize: MAX_MARK_BYTES }],
    [BUCKETS.keys, { ...common, ttl: 30 * DAY_MS, max_bytes: share, maxValueSize: MAX_KEY_BYTES }],
    [BUCKETS.devices, { ...common, maxValueSize: MAX_STATE_BYTES }],
  ];
}

async function addBucket(nats: Nats, name: string, options: Partial<KvOptions>): Promise<void> {
  const { Kvm } = await loadPeer('@nats-io/kv');
  const stream = `KV_${name}`;
  if ((await findStream(nats, stream)) === undefined) return void (await new Kvm(nats.js).create(name, options));
  const { replicas, max_bytes } = options;
  const sizes = { num_replicas: replicas, ...(max_bytes && { max_bytes }) };
  await nats.jsm.streams.update(stream, sizes as Partial<StreamConfig>);
}

const consumerConfig = (partition: number): Partial<ConsumerConfig> => ({
  durable_name: consumerOf(partition),
  filter_subject: partitionSubject(partition),
  ack_policy: 'explicit',
  deliver_policy: 'all',
  // One message in flight: JetStream keeps the order, whichever worker pulls.
  max_ack_pending: 1,
  ack_wait: ACK_WAIT,
  max_deliver: -1,
});
