import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import { textOf } from '../../core/model/foreign-text.js';
import type { Clock } from '../../core/time/clock.js';
import type { Secrets } from '../keys/secret.js';
import { decodeMessage, type StoredUpload } from '../message.js';
import { BUCKETS, consumerOf, decodeId, deviceCodeOf, UPLOADS } from '../names.js';
import type { Nats } from '../nats.js';
import type { GatewayNews } from '../news.js';
import { hasSpaceFor } from './blocks.js';
import { type Decision, decide, type Failure } from './decision.js';
import type { Deliverer, Delivery, WorkerKeys } from './delivery.js';
import { Drain, unknownVersion } from './drain.js';
import { entriesOf, type Origin } from './entries.js';
import type { Evidence } from './evidence.js';
import type { ParkedDevices, ParkedRecord } from './parked-devices.js';
import type { ParkedMessages } from './parked-messages.js';
import type { Parcel, Parking } from './parking.js';
import { AGAIN, type QuarantineStream } from './quarantine.js';
import { StallAlarm } from './stall-alarm.js';
import { Turn } from './turn.js';
import { quarantineForged, quarantineWhole } from './whole-message.js';

/** The parts of a worker that a partition uses. */
export interface PartitionParts {
  readonly nats: Nats;
  readonly secrets: Secrets;
  readonly deliverer: Deliverer;
  readonly keys: WorkerKeys;
  readonly parking: Parking;
  readonly devices: ParkedDevices;
  readonly messages: ParkedMessages;
  readonly quarantine: QuarantineStream;
  readonly evidence: Evidence;
  readonly news: GatewayNews;
  readonly clock: Clock;
  /** Aborts the attempts under way. */
  readonly aborting: AbortSignal;
}

/** One attempt takes at most so long, in milliseconds: then the next message has its turn. */
const ATTEMPT_MS = 25_000;
/** A lost leader is noticed after two missed heartbeats. */
const PULL = { max_messages: 1, expires: 10_000, idle_heartbeat: 2000, abort_on_missing_resource: true } as const;
const RESTART_MS = 1000;
/** After a failure of the cluster in the middle of a turn. */
const TROUBLE_MS = 2000;
const ACK_TIMEOUT_MS = 5000;
/** A wake-up asks for a retry before its time. */
export const RETRY_NOW = 'Nikdev-Retry-Now';

/** Handles the messages of one partition, one at a time. */
export class Partition {
  readonly #partition: number;
  readonly #parts: PartitionParts;
  readonly #stallAlarm: StallAlarm;
  #messages: ConsumerMessages | undefined;
  /** The first of the turns that failed in a row; absent if the last one did not. */
  #failingSince: number | undefined;
  #isClosed = false;

  constructor(partition: number, parts: PartitionParts) {
    this.#partition = partition;
    this.#parts = parts;
    this.#stallAlarm = new StallAlarm(partition, parts);
  }

  /** Ends after {@link Partition.close}, with the message under way. */
  async run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#consume();
      } catch (error) {
        this.#reportLoss(error);
      }
      if (!this.#isClosed)
        await new Promise<void>((resolve) => this.#parts.clock.setTimer(resolve, RESTART_MS, { isBackground: true }));
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#messages?.stop();
  }

  async #consume(): Promise<void> {
    const consumer = await this.#parts.nats.js.consumers.get(UPLOADS, consumerOf(this.#partition));
    const messages = await consumer.consume(PULL);
    this.#messages = messages;
    if (this.#isClosed) messages.stop();
    for await (const message of messages) {
      // JetStream delivers it to another worker.
      if (this.#isClosed) message.nak();
      else await this.#handle(message);
    }
  }

  #reportLoss(error: unknown): void {
    if (!/(?:stream|consumer) (?:not found|deleted)/i.test(textOf(error, 'message') ?? '')) return;
    const message = `the stream ${UPLOADS} or the consumer ${consumerOf(this.#partition)} is gone`;
    this.#parts.news.emit('alarm', { alarm: 'stream-missing', message });
  }

  async #handle(message: JsMsg): Promise<void> {
    const { clock, aborting: closing } = this.#parts;
    const turn = new Turn(message, { clock, closing, stallAlarm: this.#stallAlarm });
    try {
      await this.#dispatch(message, turn);
      this.#failingSince = undefined;
    } catch (error) {
      // Another worker has the turn, or the cluster can't be written to.
      if (!turn.isLost) this.#postpone(message, error);
    } finally {
      turn.end();
    }
  }

  #postpone(message: JsMsg, error: unknown): void {
    message.nak(TROUBLE_MS);
    const now = this.#parts.clock.monotonic();
    this.#failingSince ??= now;
    if (!this.#isClosed) this.#stallAlarm.onFailure(error, now - this.#failingSince);
  }

  async #dispatch(message: JsMsg, turn: Turn): Promise<void> {
    const decoded = decodeMessage(message, this.#parts.secrets);
    if (decoded.kind === 'wake-up') return this.#wake(decoded.device, message, turn);
    const origin = { sequence: message.seq, time: message.timestampNanos };
    if (decoded.kind === 'upload') return this.#forward(decoded.upload, message, origin, turn);
    if (decoded.kind === 'unknown-version')
      return this.#handleUnknown(unknownVersion(decoded.version), message, origin, turn);
    return this.#quarantineMessage(decoded.reason, message, origin, turn);
  }

  async #wake(device: string, message: JsMsg, turn: Turn): Promise<void> {
    const { devices, clock } = this.#parts;
    const record = await turn.persist(BUCKETS.devices, () => devices.get(device));
    const isForced = message.headers?.has(RETRY_NOW) ?? false;
    if (record !== undefined && (isForced || record.parked.retryAt <= clock.now()))
      await new Drain(this.#parts, record, turn).run();
    await acknowledge(message);
  }

  async #forward(upload: StoredUpload, message: JsMsg, origin: Origin, turn: Turn): Promise<void> {
    const forwarded = entriesOf(upload, origin);
    if (forwarded === undefined) return this.#quarantineMessage('its body is not an upload', message, origin, turn);
    const parcel: Parcel = { device: upload.device, message, origin, upload, entryCount: forwarded.entries.length };
    const { parking, deliverer } = this.#parts;
    const { record, isHeld } = await parking.find(upload.device, upload, turn);
    if (record !== undefined && isHeld) {
      if (hasSpaceFor(record.parked, upload)) await parking.parkBehind(parcel, record, turn);
      else await this.#setApart(parcel, BEHIND, turn);
      return acknowledge(message);
    }
    const delivery: Delivery = { upload, forwarded, origin, isAgain: message.headers?.has(AGAIN) ?? false };
    const { failure } = await deliverer.deliver(upload.keyHash, [delivery], turn, ATTEMPT_MS);
    return this.#conclude(parcel, failure, record, turn);
  }

  async #conclude(
    parcel: Parcel,
    failure: Failure | undefined,
    record: ParkedRecord | undefined,
    turn: Turn,
  ): Promise<void> {
    const { message, device, upload } = parcel;
    const decision = this.#decide(device, message, failure);
    if (decision.act === 'park' && failure !== undefined) {
      if (upload === undefined || hasSpaceFor(record?.parked, upload))
        await this.#parts.parking.park(parcel, failure, decision, record, turn);
      else await this.#setApart(parcel, failure, turn);
    }
    if (decision.act !== 'nak') return acknowledge(message);
    const delayMilliseconds = Math.ceil(decision.seconds * 1000);
    const reason = failure?.message ?? '';
    this.#parts.news.emit('upstream-away', { partition: this.#partition, reason, delayMilliseconds });
    message.nak(delayMilliseconds);
  }

  #decide(device: string, message: JsMsg, failure: Failure | undefined): Decision {
    const { evidence, clock } = this.#parts;
    return decide({
      failure,
      sinceOtherStored: evidence.sinceOtherStored(device, clock.monotonic()),
      attempts: message.info.deliveryCount,
      suspects: evidence.suspects,
      random: clock.random(),
    });
  }

  /** Left for a newer gateway, with the later messages of its device, so that it holds up no other device. */
  async #handleUnknown(failure: Failure, message: JsMsg, origin: Origin, turn: Turn): Promise<void> {
    const device = deviceOf(message);
    const { devices, nats, news } = this.#parts;
    if (device === undefined || message.data.length > nats.maxBodyBytes)
      return this.#quarantineMessage(failure.message, message, origin, turn);
    news.emit('alarm', { alarm: 'unknown-format', message: failure.message });
    const record = await turn.persist(BUCKETS.devices, () => devices.get(device));
    return this.#conclude({ device, message, origin }, failure, record, turn);
  }

  /** Quarantines a message that would be parked if its device had fewer keys that upstream never accepted. */
  async #setApart(parcel: Parcel, failure: Pick<Failure, 'message' | 'status'>, turn: Turn): Promise<void> {
    const { status, message: reason } = failure;
    await quarantineWhole(this.#parts, parcel, { status, reason, entries: parcel.entryCount ?? 0 }, turn);
  }

  async #quarantineMessage(reason: string, message: JsMsg, origin: Origin, turn: Turn): Promise<void> {
    const device = deviceOf(message) ?? 'unknown';
    await quarantineForged(this.#parts, { device, message, origin }, reason, turn);
    return acknowledge(message);
  }
}

const BEHIND = { status: 0, message: 'the device waits, and too many keys that upstream never accepted wait with it' };

/** Not acknowledged in time, the message is delivered again, and its marks show that it is settled. */
async function acknowledge(message: JsMsg): Promise<void> {
  await message.ackAck({ timeout: ACK_TIMEOUT_MS }).catch(() => {});
}

const deviceOf = ({ subject }: JsMsg): string | undefined => decodeId(deviceCodeOf(subject));
