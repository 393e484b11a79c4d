import type { JsMsg } from '@nats-io/jetstream';
import type { Clock } from '../../core/time/clock.js';
import type { StoredUpload } from '../message.js';
import { BUCKETS, PARKED } from '../names.js';
import type { GatewayNews } from '../news.js';
import { type FailedHead, isHeld, withFailures, withMessageBehind } from './blocks.js';
import type { Decision, Failure } from './decision.js';
import type { Origin } from './entries.js';
import type { Evidence } from './evidence.js';
import { ANY_KEY, type ParkedDevice, type ParkedDevices, type ParkedRecord } from './parked-devices.js';
import type { ParkedMessages } from './parked-messages.js';
import type { RetrySchedule } from './retry-schedule.js';
import type { Turn } from './turn.js';

/** The parts of a worker that parking uses. */
export interface ParkingParts {
  readonly devices: ParkedDevices;
  readonly messages: ParkedMessages;
  readonly schedule: RetrySchedule;
  readonly evidence: Evidence;
  readonly news: GatewayNews;
  readonly clock: Clock;
}

/** A message to park. */
export interface Parcel {
  readonly device: string;
  readonly message: JsMsg;
  readonly origin: Origin;
  /** Absent if the message can't be read. */
  readonly upload?: StoredUpload | undefined;
  /** Absent if the message can't be read. */
  readonly entryCount?: number;
}

/**
 * Parks devices in trouble. The device is marked before its message is copied, and the message acknowledged last: wherever a
 * worker ends in between, no newer message of the device passes.
 */
export class Parking {
  readonly #parts: ParkingParts;

  constructor(parts: ParkingParts) {
    this.#parts = parts;
  }

  /** The record of the device if a message has to wait. */
  async find(device: string, upload: StoredUpload, turn: Turn): Promise<{ record?: ParkedRecord; isHeld: boolean }> {
    const record = await turn.persist(BUCKETS.devices, () => this.#parts.devices.get(device));
    return record ? { record, isHeld: isHeld(record.parked, upload) } : { isHeld: false };
  }

  /** Parks a message that failed. */
  async park(
    { device, message, origin, upload }: Parcel,
    failure: Failure,
    decision: Extract<Decision, { act: 'park' }>,
    record: ParkedRecord | undefined,
    turn: Turn,
  ): Promise<void> {
    const { clock, evidence, news } = this.#parts;
    turn.check();
    if (decision.isSuspicion) evidence.onSuspected();
    const head: FailedHead = { failure, decision, head: 0, isVerified: upload?.isVerified ?? true };
    const failed = new Map([[upload?.keyHash ?? ANY_KEY, head]]);
    const parked = withFailures(record?.parked, failed, clock.now(), { isThrough: false });
    await this.save(device, parked, record);
    await turn.persist(PARKED, () => this.#parts.messages.add(device, message, origin));
    news.emit('parked', { device, reason: failure.message });
  }

  /** Parks a message behind others, unsent. */
  async parkBehind({ device, message, origin, upload }: Parcel, record: ParkedRecord, turn: Turn): Promise<void> {
    turn.check();
    const { parked } = record;
    const changed = upload ? withMessageBehind(parked, upload, this.#parts.clock.now()) : parked;
    if (changed !== parked) await this.save(device, changed, record);
    await turn.persist(PARKED, () => this.#parts.messages.add(device, message, origin));
  }

  /** Replaces the record of a device, and plans its retry. @throws if another worker has the turn. */
  async save(device: string, parked: ParkedDevice, before: ParkedRecord | undefined): Promise<void> {
    const revision = await this.#parts.devices.put(device, parked, before);
    this.#parts.schedule.plan({ device, parked, revision });
  }

  /** The device is not parked any more. */
  async unpark(record: ParkedRecord): Promise<void> {
    await this.#parts.devices.remove(record);
    this.#parts.schedule.cancel(record.device);
    this.#parts.news.emit('unparked', { device: record.device });
  }
}
