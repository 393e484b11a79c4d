import { cleanText } from '../core/model/foreign-text.js';
import { BUCKETS, PARKED, parkedSubject, UPLOADS } from './names.js';
import type { Nats } from './nats.js';
import { checkQueue } from './needs.js';
import type { GatewayNatsOptions } from './options.js';
import type { ClusterSettings } from './settings.js';
import { noSpaceException } from './stream-failure.js';
import { untilAnswered } from './until-answered.js';
import { publishWakeUp } from './wake-ups.js';
import { withCluster } from './with-cluster.js';
import { ParkedDevices, type ParkedRecord } from './worker/parked-devices.js';
import { RETRY_NOW } from './worker/partition.js';

/** A device whose uploads wait apart from the queue. */
export interface ParkedDeviceStatus {
  /** The Device ID. */
  readonly deviceId: string;
  /** Since when, in Unix seconds. */
  readonly since: number;
  /** When it is tried again, in Unix seconds. */
  readonly retryAt: number;
  /** The uploads that wait. */
  readonly uploads: number;
  /** The reasons, one for each API key. */
  readonly reasons: readonly string[];
}

/** Selects parked devices. */
export interface ParkedOptions {
  /** How to reach the NATS cluster. Default: a server on this machine. */
  readonly nats?: GatewayNatsOptions | undefined;
  /** The Device IDs. Unknown ones are ignored. Default: all. */
  readonly deviceIds?: readonly string[] | undefined;
}

/**
 * Lists the parked devices.
 *
 * @throws GatewayException if the cluster can't be reached or has no gateway.
 * @example
 * ```ts
 * for (const { deviceId, reasons } of await listParked()) console.log(deviceId, reasons)
 * ```
 */
export async function listParked(options: ParkedOptions = {}): Promise<ParkedDeviceStatus[]> {
  return withParked(options, async (records, { jsm }) => {
    const read = () => jsm.streams.info(PARKED, { subjects_filter: 'parked.*' });
    const info = await untilAnswered(`the stream ${PARKED}`, read);
    const counts = info.state.subjects ?? {};
    return records.map(({ device, parked }) => ({
      deviceId: device,
      since: Math.floor(parked.since / 1000),
      retryAt: Math.ceil(parked.retryAt / 1000),
      uploads: counts[parkedSubject(device)] ?? 0,
      reasons: Object.values(parked.blocks).map(({ message }) => cleanText(message)),
    }));
  });
}

/**
 * Has parked devices tried again as soon as their partition comes to it.
 *
 * @returns How many.
 * @throws GatewayException if the cluster can't be reached or has no gateway, or a device has too much in the queue.
 * @example
 * ```ts
 * const count = await retryParked({ deviceIds: ['<Device ID>'] })
 * ```
 */
export async function retryParked(options: ParkedOptions = {}): Promise<number> {
  return withParked(options, async (records, nats, { partitions }) => {
    await checkQueue(nats);
    for (const [count, { device }] of records.entries())
      await wake(nats, device, partitions).catch((cause: unknown) => {
        throw noSpaceException(
          cause,
          (reason) => `device ${cleanText(device)} stays parked, as ${reason}; woken before it: ${count}`,
        );
      });
    return records.length;
  });
}

function withParked<Result>(
  { nats: given, deviceIds }: ParkedOptions,
  use: (records: readonly ParkedRecord[], nats: Nats, settings: ClusterSettings) => Promise<Result>,
): Promise<Result> {
  const wanted = deviceIds && new Set(deviceIds.map((id) => id.toLowerCase()));
  return withCluster(given, async (nats, settings) => {
    const records = await untilAnswered(`the bucket ${BUCKETS.devices}`, () => readRecords(nats));
    return use(
      records.filter(({ device }) => wanted === undefined || wanted.has(device)),
      nats,
      settings,
    );
  });
}

async function readRecords(nats: Nats): Promise<ParkedRecord[]> {
  const records: ParkedRecord[] = [];
  for await (const record of new ParkedDevices(await nats.kv(BUCKETS.devices)).all()) records.push(record);
  return records;
}

const wake = (nats: Nats, device: string, partitions: number): Promise<void> =>
  untilAnswered(`the stream ${UPLOADS}`, () => publishWakeUp(nats, device, partitions, { [RETRY_NOW]: '1' }));
