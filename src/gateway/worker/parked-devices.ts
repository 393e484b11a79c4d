import type { KV, KvEntry } from '@nats-io/kv';
import * as v from 'valibot';
import type { Clock } from '../../core/time/clock.js';
import { decodeId, encodeId } from '../names.js';
import type { GatewayNews } from '../news.js';
import type { Failure } from './decision.js';

/** The block of a message of an unknown version, or of a damaged record, whose key can't be read. */
export const ANY_KEY = '*';

/** The reason why messages with one key of a device wait. */
export interface Block {
  /** `behind`: only because older messages of the device, with another key, wait. */
  readonly reason: Failure['kind'] | 'behind';
  readonly message: string;
  readonly status: number;
  /** Whether upstream had accepted the key of such a message. */
  readonly isVerified: boolean;
  /** The sequence, in the stream of parked messages, of the message that failed last; 0 before its first retry. */
  readonly head: number;
  /** How often that message was retried. */
  readonly attempts: number;
  /** How often it failed while pushes of other devices were stored. */
  readonly failures: number;
  /** When it failed so first, in milliseconds since the Unix epoch; 0 if it did not. */
  readonly firstFailedAt: number;
}

/** A device whose messages wait apart from the queue. */
export interface ParkedDevice {
  readonly version: 1;
  /** In milliseconds since the Unix epoch. */
  readonly since: number;
  /** When its messages are tried again, in milliseconds since the Unix epoch. */
  readonly retryAt: number;
  /** By hash of the key. */
  readonly blocks: Readonly<Record<string, Block>>;
}

/** A parked device and the revision of its value. */
export interface ParkedRecord {
  readonly device: string;
  readonly parked: ParkedDevice;
  readonly revision: number;
}

/**
 * The parked devices. A value is written in the turn of the device's partition only, so that a conflict shows that another worker
 * has the turn.
 */
export class ParkedDevices {
  readonly #bucket: KV;
  readonly #parts: ParkedDevicesParts;

  constructor(bucket: KV, parts: ParkedDevicesParts = {}) {
    this.#bucket = bucket;
    this.#parts = parts;
  }

  async get(device: string): Promise<ParkedRecord | undefined> {
    const entry = await this.#bucket.get(encodeId(device));
    if (entry?.operation !== 'PUT') return undefined;
    const parked = decode(entry.string());
    if (parked === undefined) this.#report(device);
    return this.#recordOf(device, parked, entry);
  }

  /** @param before - The record that the new one replaces. @returns The revision. @throws if another worker wrote meanwhile. */
  put(device: string, parked: ParkedDevice, before: ParkedRecord | undefined): Promise<number> {
    const [key, text] = [encodeId(device), JSON.stringify(parked)];
    return before === undefined
      ? this.#bucket.create(key, text)
      : this.#bucket.put(key, text, { previousSeq: before.revision });
  }

  /** @throws if another worker wrote meanwhile. */
  remove({ device, revision }: ParkedRecord): Promise<void> {
    return this.#bucket.purge(encodeId(device), { previousSeq: revision });
  }

  async *all(): AsyncGenerator<ParkedRecord> {
    for await (const entry of await this.#bucket.history()) {
      const device = entry.operation === 'PUT' ? decodeId(entry.key) : undefined;
      if (device !== undefined) yield this.#recordOf(device, decode(entry.string()), entry);
    }
  }

  /** A time of retry that no gateway gives, as it was damaged or the clock was set back since, is now. */
  #recordOf(device: string, decoded: ParkedDevice | undefined, { revision, created }: KvEntry): ParkedRecord {
    const now = this.#parts.clock?.now() ?? Date.now();
    const parked = decoded ?? unreadable(created.getTime());
    return { device, revision, parked: parked.retryAt > now + MAX_WAIT_MS ? { ...parked, retryAt: now } : parked };
  }

  #report(device: string): void {
    const message = `the record of the parked device ${device} can't be read: its messages are tried again at once`;
    this.#parts.news?.emit('alarm', { alarm: 'forged-message', message });
  }
}

/** The parts of a worker that the records use. */
export interface ParkedDevicesParts {
  /** Default: the system's. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Gets an alarm about a record that can't be read. Default: none. */
  readonly news?: GatewayNews;
}

/** The longest pause between two retries is an hour; clocks of gateways differ a little. */
const MAX_WAIT_MS = 2 * 3_600_000;

/** Any client of the cluster may have written a record. */
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const BlockSchema = v.object({
  reason: v.pipe(v.string(), v.nonEmpty()),
  message: v.string(),
  status: whole,
  isVerified: v.boolean(),
  head: whole,
  attempts: whole,
  failures: whole,
  firstFailedAt: whole,
});
const ParkedSchema = v.object({
  version: v.literal(1),
  since: whole,
  retryAt: v.pipe(v.number(), v.finite(), v.minValue(0)),
  blocks: v.record(v.string(), BlockSchema),
});

/** @returns `undefined` if the value is not a record of this version. */
function decode(text: string): ParkedDevice | undefined {
  try {
    const parsed = v.safeParse(ParkedSchema, JSON.parse(text));
    return parsed.success ? (parsed.output as ParkedDevice) : undefined;
  } catch {
    return undefined;
  }
}

/** The device stays parked, so that no newer message passes those that wait, and is tried again at once. */
const unreadable = (since: number): ParkedDevice => ({
  version: 1,
  since,
  retryAt: 0,
  blocks: {
    [ANY_KEY]: {
      reason: 'behind',
      message: 'the record of the device could not be read',
      status: 0,
      isVerified: true,
      head: 0,
      attempts: 0,
      failures: 0,
      firstFailedAt: 0,
    },
  },
});
