import type { KV } from '@nats-io/kv';
import { decodeId, encodeId } from '../names.js';
import type { Failure } from './decision.js';

/** The block of a message of an unknown version, whose key can't be read. */
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

  constructor(bucket: KV) {
    this.#bucket = bucket;
  }

  async get(device: string): Promise<ParkedRecord | undefined> {
    const entry = await this.#bucket.get(encodeId(device));
    const parked = entry?.operation === 'PUT' ? decode(entry.string()) : undefined;
    return entry && parked ? { device, parked, revision: entry.revision } : undefined;
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
      const [device, parked] = [decodeId(entry.key), entry.operation === 'PUT' ? decode(entry.string()) : undefined];
      if (device !== undefined && parked !== undefined) yield { device, parked, revision: entry.revision };
    }
  }
}

/** @returns `undefined` if the value is not of this version. */
function decode(text: string): ParkedDevice | undefined {
  try {
    const parked = JSON.parse(text) as ParkedDevice | null;
    return parked?.version === 1 && typeof parked.blocks === 'object' ? parked : undefined;
  } catch {
    return undefined;
  }
}
