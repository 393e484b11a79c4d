import type { Clock } from '../../core/time/clock.js';
import type { StoredUpload } from '../message.js';
import { BUCKETS, QUARANTINE } from '../names.js';
import type { GatewayNews } from '../news.js';
import type { Failure } from './decision.js';
import type { Attempt } from './device-client.js';
import type { Forwarded, ForwardedEntry, Origin } from './entries.js';
import type { Evidence } from './evidence.js';
import type { Forwarder } from './forwarder.js';
import type { Marks, ReadMarks } from './marks.js';
import type { QuarantineStream } from './quarantine.js';
import type { Turn } from './turn.js';

/** An upload that is to be forwarded. */
export interface Delivery {
  readonly upload: StoredUpload;
  readonly forwarded: Forwarded;
  readonly origin: Origin;
  /** Whether marks do not count, as the message came back from the quarantine. */
  readonly isAgain: boolean;
}

/** The keys of the messages: see `KeyStore`. */
export interface WorkerKeys {
  /** @returns `undefined` if the key is not there, or can't be unsealed, which is an alarm. */
  get(device: string, keyHash: string): Promise<string | undefined>;
  /** The key of a device that upstream accepted last. */
  latestAccepted(device: string): Promise<{ readonly keyHash: string } | undefined>;
  /** Upstream stored an upload with a key. */
  onAccepted(device: string, keyHash: string): Promise<void>;
  /** Upstream refused an upload with a key. @param status - 401 or 403. */
  onRefused(device: string, keyHash: string, status: number): Promise<void>;
}

/** The result of forwarding messages of one device. */
export interface Delivered {
  /** Absent if each entry is settled. */
  readonly failure?: Failure | undefined;
  /** The entries of a message that are neither stored nor in quarantine. */
  unsettledOf(delivery: Delivery): readonly ForwardedEntry[];
}

/** The parts of a worker that a deliverer uses. */
export interface DelivererParts {
  readonly forwarder: Forwarder;
  readonly keys: WorkerKeys;
  readonly marks: Marks;
  readonly quarantine: QuarantineStream;
  readonly evidence: Evidence;
  readonly news: GatewayNews;
  readonly clock: Clock;
}

const NOTHING: Attempt = { stored: [], refused: [] };
const NO_KEY: Failure = { kind: 'no-key', message: 'the API key of the message is not known', status: 0 };

/** Forwards messages: upstream's response, then the quarantine, then the marks. The acknowledgement is the caller's. */
export class Deliverer {
  readonly #parts: DelivererParts;
  readonly #partition: number;

  constructor(parts: DelivererParts, partition: number) {
    this.#parts = parts;
    this.#partition = partition;
  }

  /**
   * @param keyHash - Of the key to send with.
   * @param deliveries - Of one device, oldest first.
   */
  async deliver(
    keyHash: string,
    deliveries: readonly [Delivery, ...Delivery[]],
    turn: Turn,
    milliseconds: number,
  ): Promise<Delivered> {
    const { forwarder, keys, marks } = this.#parts;
    const { device } = deliveries[0].upload;
    const marked = deliveries.flatMap(({ forwarded, isAgain }) => (isAgain ? [] : forwarded.entries));
    const read = await turn.persist(BUCKETS.marks, () => marks.read(device, marked));
    const pending = deliveries.flatMap(({ forwarded, isAgain }) =>
      forwarded.entries.filter((entry) => isAgain || !read.has(entry)),
    );
    if (pending.length === 0) return deliveredOf([], undefined);
    const apiKey = await turn.persist(BUCKETS.keys, () => keys.get(device, keyHash));
    if (apiKey === undefined) return deliveredOf(pending, NO_KEY);
    turn.check();
    const attempt = await turn.attempt(milliseconds, (signal) =>
      this.#timed(() => forwarder.attempt(device, apiKey, pending, signal)),
    );
    await this.#settle(keyHash, deliveries, attempt, turn, read);
    const settled = new Set(settledOf(attempt));
    return deliveredOf(
      pending.filter((entry) => !settled.has(entry)),
      attempt.failure,
    );
  }

  /** Quarantines entries that failed too often, as upstream does not say which of them is bad. */
  async giveUp(delivery: Delivery, entries: readonly ForwardedEntry[], failure: Failure, turn: Turn): Promise<void> {
    const { status, message: reason } = failure;
    const refused = entries.map((entry) => ({ entry, rejection: { status, reason } }));
    await this.#settle(delivery.upload.keyHash, [delivery], { ...NOTHING, refused }, turn);
  }

  async #timed(run: () => Promise<Attempt>): Promise<Attempt> {
    const { clock, news } = this.#parts;
    const started = clock.monotonic();
    const attempt = await run();
    news.emit('upstream-answered', {
      isStored: attempt.stored.length > 0,
      milliseconds: clock.monotonic() - started,
    });
    return attempt;
  }

  async #settle(
    keyHash: string,
    deliveries: readonly Delivery[],
    attempt: Attempt,
    turn: Turn,
    read?: ReadMarks,
  ): Promise<void> {
    this.#report(deliveries, attempt);
    for (const delivery of deliveries) await this.#quarantine(delivery, attempt, turn);
    await this.#mark(deliveries, attempt, turn, read);
    await this.#judgeKey(keyHash, deliveries, attempt);
  }

  #report(deliveries: readonly Delivery[], { stored, failure }: Attempt): void {
    const { evidence, clock, news } = this.#parts;
    const [{ upload }] = deliveries as [Delivery];
    const { device } = upload;
    if (stored.length > 0) {
      evidence.onStored(device, clock.monotonic());
      news.emit('forwarded', { device, partition: this.#partition, entries: stored.length });
    }
    if (failure !== undefined) evidence.onFailed(device);
  }

  /** The front answers by what upstream said last about a key. Best effort: it asks upstream itself when it has to know. */
  async #judgeKey(keyHash: string, deliveries: readonly Delivery[], { stored, failure }: Attempt): Promise<void> {
    const { keys } = this.#parts;
    const [{ upload }] = deliveries as [Delivery];
    try {
      if (stored.length > 0 && !upload.isVerified) await keys.onAccepted(upload.device, keyHash);
      if (failure?.kind === 'unauthorized') await keys.onRefused(upload.device, keyHash, failure.status);
    } catch {
      // The bucket can't be written to at present.
    }
  }

  async #quarantine({ upload, forwarded, origin }: Delivery, { refused }: Attempt, turn: Turn): Promise<void> {
    const own = new Set(forwarded.entries);
    const bad = refused.filter(({ entry }) => own.has(entry));
    const [first] = bad;
    if (first === undefined) return;
    const { quarantine, news } = this.#parts;
    await turn.persist(QUARANTINE, () => quarantine.add(upload, bad, origin));
    news.emit('quarantined', { device: upload.device, entries: bad.length, reason: first.rejection.reason });
  }

  /** Names that the gateway gave are of no use after the acknowledgement, so a message that is settled leaves no marks of them. */
  async #mark(
    deliveries: readonly Delivery[],
    attempt: Attempt,
    turn: Turn,
    read: ReadMarks | undefined,
  ): Promise<void> {
    const settled = new Set(settledOf(attempt));
    const marked = deliveries.flatMap(({ forwarded: { isNamed, entries } }) => {
      const own = entries.filter((entry) => settled.has(entry));
      return isNamed || own.length < entries.length ? own : [];
    });
    const [{ upload }] = deliveries as [Delivery];
    if (marked.length > 0) await turn.persist(BUCKETS.marks, () => this.#parts.marks.add(upload.device, marked, read));
  }
}

const settledOf = ({ stored, refused }: Attempt): ForwardedEntry[] => [...stored, ...refused.map(({ entry }) => entry)];

function deliveredOf(unsettled: readonly ForwardedEntry[], failure: Failure | undefined): Delivered {
  const left = new Set(unsettled);
  return { failure, unsettledOf: ({ forwarded }) => forwarded.entries.filter((entry) => left.has(entry)) };
}
