import type { Clock } from '../../core/time/clock.js';
import type { Secrets } from '../keys/secret.js';
import { decodeMessage, type StoredUpload } from '../message.js';
import { BUCKETS, PARKED } from '../names.js';
import type { GatewayNews } from '../news.js';
import { type FailedHead, stateOf, withFailures } from './blocks.js';
import { type Decision, decide, type Failure } from './decision.js';
import type { Delivered, Deliverer, Delivery, WorkerKeys } from './delivery.js';
import { entriesOf } from './entries.js';
import type { Evidence } from './evidence.js';
import { ANY_KEY, type ParkedRecord } from './parked-devices.js';
import type { ParkedMessage, ParkedMessages } from './parked-messages.js';
import type { Parking } from './parking.js';
import { AGAIN, type QuarantineStream } from './quarantine.js';
import type { Turn } from './turn.js';
import { quarantineForged } from './whole-message.js';

/** The parts of a worker that a drain uses. */
export interface DrainParts {
  readonly deliverer: Deliverer;
  readonly keys: WorkerKeys;
  readonly parking: Parking;
  readonly messages: ParkedMessages;
  readonly quarantine: QuarantineStream;
  readonly evidence: Evidence;
  readonly secrets: Secrets;
  readonly news: GatewayNews;
  readonly clock: Clock;
}

/** The most that one device gets of its partition's turn at once, in milliseconds. */
const DRAIN_MS = 10_000;
/** The messages of one push: together they show which of their entries is bad. */
const MAX_ENTRIES = 1000;
const MAX_MESSAGES = 32;
const MAX_BYTES = 524_288;

/** A parked message that was read. */
interface Readable extends Delivery {
  readonly parked: ParkedMessage;
}

type Batch = readonly [Readable, ...Readable[]];

/** Forwards the messages of a parked device, oldest first, in the turn of its partition. */
export class Drain {
  readonly #parts: DrainParts;
  readonly #record: ParkedRecord;
  readonly #turn: Turn;
  readonly #until: number;
  /** The keys that upstream refused in this drain, and the oldest message of each. */
  readonly #failed = new Map<string, FailedHead>();
  /** The keys of messages for which there is no usable key at present. */
  readonly #waiting = new Set<string>();
  /** The keys that verified messages may be sent with besides their own, the best first. */
  #acceptedKeys: readonly string[] = [];
  /** The next sequence of the stream of parked messages. */
  #from = 0;
  #isStopped = false;
  #isThrough = false;

  constructor(parts: DrainParts, record: ParkedRecord, turn: Turn) {
    this.#parts = parts;
    this.#record = record;
    this.#turn = turn;
    this.#until = parts.clock.monotonic() + DRAIN_MS;
  }

  async run(): Promise<void> {
    this.#acceptedKeys = await this.#findAcceptedKeys();
    while (this.#millisecondsLeft > 0 && !this.#isStopped && !this.#isThrough) {
      const batch = await this.#nextBatch();
      if (batch !== undefined) await this.#forward(batch);
    }
    await this.#save();
  }

  get #millisecondsLeft(): number {
    return this.#until - this.#parts.clock.monotonic();
  }

  async #save(): Promise<void> {
    const { parking, clock } = this.#parts;
    const { device, parked } = this.#record;
    this.#turn.check();
    const failed = this.#isThrough ? this.#failedOfWaiting : this.#failed;
    if (this.#isThrough && failed.size === 0) return parking.unpark(this.#record);
    const next = withFailures(parked, failed, clock.now(), { isThrough: this.#isThrough });
    return parking.save(device, next, this.#record);
  }

  get #failedOfWaiting(): ReadonlyMap<string, FailedHead> {
    return new Map(Array.from(this.#failed).filter(([key]) => this.#waiting.has(key)));
  }

  /** The oldest message that may be sent, and the messages with the same key behind it. */
  async #nextBatch(): Promise<Batch | undefined> {
    const first = await this.#nextSendable();
    if (first === undefined) return undefined;
    const batch: [Readable, ...Readable[]] = [first];
    let [entries, bytes] = [first.forwarded.entries.length, first.upload.body.length];
    while (batch.length < MAX_MESSAGES) {
      const next = await this.#read((batch.at(-1) ?? first).parked.sequence + 1);
      if (next === undefined || !('upload' in next) || !isSameSender(next.upload, first.upload)) break;
      entries += next.forwarded.entries.length;
      bytes += next.upload.body.length;
      if (entries > MAX_ENTRIES || bytes > MAX_BYTES) break;
      batch.push(next);
    }
    return batch;
  }

  async #nextSendable(): Promise<Readable | undefined> {
    while (!this.#isStopped && this.#millisecondsLeft > 0) {
      const next = await this.#read(this.#from);
      if (next === undefined) {
        this.#isThrough = true;
        return undefined;
      }
      if (!('upload' in next)) await this.#handleUnreadable(next.parked, next.failure);
      else if (this.#keyFor(next.upload) !== undefined) return next;
      else {
        this.#waiting.add(next.upload.keyHash);
        this.#from = next.parked.sequence + 1;
      }
    }
    return undefined;
  }

  async #read(from: number): Promise<Readable | { parked: ParkedMessage; failure?: Failure } | undefined> {
    const { messages, secrets } = this.#parts;
    const parked = await this.#turn.persist(PARKED, () => messages.next(this.#record.device, from));
    if (parked === undefined) return undefined;
    const decoded = decodeMessage(parked, secrets);
    if (decoded.kind === 'unknown-version') return { parked, failure: unknownVersion(decoded.version) };
    const upload = decoded.kind === 'upload' ? decoded.upload : undefined;
    const forwarded = upload && entriesOf(upload, parked.origin);
    if (!upload || !forwarded) return { parked };
    return { parked, upload, forwarded, origin: parked.origin, isAgain: parked.headers.has(AGAIN) };
  }

  /** A newer gateway may read a message of an unknown version; a forged one is kept apart. */
  async #handleUnreadable(parked: ParkedMessage, failure: Failure | undefined): Promise<void> {
    if (failure !== undefined) {
      this.#fail(ANY_KEY, parked.sequence, true, failure);
      this.#isStopped = true;
      return;
    }
    const { device } = this.#record;
    const { origin } = parked;
    await quarantineForged(this.#parts, { device, message: parked, origin }, INVALID, this.#turn);
    await this.#remove(parked);
  }

  /**
   * The key to send a message with: its own, or a newer one that upstream accepted. Messages of keys that were never verified may
   * be anyone's, and go with no other key.
   */
  #keyFor({ keyHash, isVerified }: StoredUpload): string | undefined {
    const others = isVerified ? this.#acceptedKeys : [];
    return [keyHash, ...others].find((key) => !this.#failed.has(key));
  }

  async #findAcceptedKeys(): Promise<string[]> {
    const { device, parked } = this.#record;
    const latest = await this.#turn.persist(BUCKETS.keys, () => this.#parts.keys.latestAccepted(device));
    const waiting = Object.keys(parked.blocks).filter((key) => parked.blocks[key]?.isVerified && key !== ANY_KEY);
    return [...new Set([...(latest ? [latest.keyHash] : []), ...waiting.reverse()])];
  }

  async #forward(batch: Batch): Promise<void> {
    const [{ upload }] = batch;
    const keyHash = this.#keyFor(upload) ?? upload.keyHash;
    const delivered = await this.#parts.deliverer.deliver(keyHash, batch, this.#turn, this.#millisecondsLeft);
    const rest = await this.#removeSettled(batch, delivered);
    const [head] = rest;
    if (head !== undefined && delivered.failure !== undefined)
      await this.#handleFailure(keyHash, head, delivered, delivered.failure);
  }

  /** @returns The messages that are left. */
  async #removeSettled(batch: Batch, delivered: Delivered): Promise<Readable[]> {
    const left = batch.filter((message) => delivered.unsettledOf(message).length > 0);
    for (const message of batch) if (!left.includes(message)) await this.#remove(message.parked);
    return left;
  }

  async #handleFailure(keyHash: string, head: Readable, delivered: Delivered, failure: Failure): Promise<void> {
    const { isVerified } = head.upload;
    const { act } = this.#fail(keyHash, head.parked.sequence, isVerified, failure);
    if (act === 'quarantine') {
      this.#failed.delete(keyHash);
      await this.#parts.deliverer.giveUp(head, delivered.unsettledOf(head), failure, this.#turn);
      await this.#remove(head.parked);
    } else if (!isOfKey(failure)) this.#isStopped = true;
  }

  #fail(key: string, head: number, isVerified: boolean, failure: Failure): Decision {
    const { clock, evidence } = this.#parts;
    const { device, parked } = this.#record;
    const { attempts, ...state } = stateOf(parked.blocks[key], head, clock.now());
    const decision = decide({
      failure,
      sinceOtherStored: evidence.sinceOtherStored(device, clock.monotonic()),
      attempts,
      suspects: 0,
      parked: state,
      random: clock.random(),
    });
    if (decision.act === 'park') this.#failed.set(key, { failure, decision, head, isVerified });
    return decision;
  }

  async #remove(parked: ParkedMessage): Promise<void> {
    await this.#turn.persist(PARKED, () => this.#parts.messages.remove(parked));
  }
}

const INVALID = 'the message was not written by a gateway with this secret, or is not an upload';

export const unknownVersion = (version: string): Failure => ({
  kind: 'unknown-version',
  message: `the message is of format version ${version.slice(0, 20)}, which this gateway does not know`,
  status: 0,
});

const isSameSender = (one: StoredUpload, other: StoredUpload): boolean =>
  one.keyHash === other.keyHash && one.isVerified === other.isVerified;

/** Failures that another key may overcome. */
const isOfKey = ({ kind }: Failure): boolean => kind === 'unauthorized' || kind === 'no-key';
