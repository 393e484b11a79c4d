import type { Outbox } from '../outbox/outbox.js';
import type { Compressor } from '../ports/compression.js';
import type { PendingRequest, ServerClient, Upload } from '../server/server-client.js';
import type { Verdict } from '../server/verdict.js';
import type { Clock } from '../time/clock.js';
import type { ClockCorrection } from '../time/clock-correction.js';
import { type Batch, joinBody } from './batch.js';
import type { Hold } from './hold.js';
import type { PushRun } from './push-run.js';

/** The parts of a client that a sender of batches uses. */
export interface BatchSenderParts {
  readonly outbox: Outbox;
  readonly server: ServerClient;
  /** Absent if bodies are sent as they are. */
  readonly compressor?: Compressor | undefined;
  readonly hold: Pick<Hold, 'isOn'>;
  readonly clock: Clock;
  readonly clockCorrection: ClockCorrection;
}

/** A request has certainly ended this long after its deadline, in milliseconds. */
const OVERDUE_MS = 1000;

const CONTENT_REFUSED =
  'The credentials are valid, but a firewall or proxy on the way refuses the content. Smaller requests follow, to find the entry.';

/** The verdict on a request that was not sent, as no call waits for it, or only automatic ones while these are on hold. */
export const ABORTED: Verdict = { kind: 'transient', answered: false, message: '', advice: '' };

/** Sends one batch: its compressed or plain request, and the confirmation of refused credentials. */
export class BatchSender {
  readonly #parts: BatchSenderParts;
  #pending: PendingRequest | undefined;
  #overdueAt = 0;

  constructor(parts: BatchSenderParts) {
    this.#parts = parts;
  }

  /** Whether a request is under way. */
  get isSending(): boolean {
    return this.#pending !== undefined;
  }

  /** The latest end of the request under way, on the monotonic clock. */
  get overdueAt(): number {
    return this.#overdueAt;
  }

  /** A push begins: no request of it is overdue before it was sent. */
  begin(): void {
    this.#overdueAt = Number.POSITIVE_INFINITY;
  }

  /** Aborts the request under way. */
  abort(): void {
    this.#pending?.abort();
  }

  async send(run: PushRun, batch: Batch): Promise<Verdict> {
    const verdict = await this.#post(run, batch);
    return verdict.kind === 'unauthorized' && !run.isAborted ? this.#confirm(run, verdict) : verdict;
  }

  async #post(run: PushRun, batch: Batch): Promise<Verdict> {
    const { clockCorrection, compressor } = this.#parts;
    const body = joinBody(batch, clockCorrection);
    const upload = { body, entries: batch, isConfirmation: batch.length === 0 };
    if (compressor === undefined) return this.#request(run, upload);
    return compressor.post(body, async (compressed) =>
      this.#isWanted(run, batch) ? this.#request(run, { ...upload, compressed }) : ABORTED,
    );
  }

  /** A batch may be aborted, put on hold or adopted while its body is compressed, and while its compressed request is under way. */
  #isWanted(run: PushRun, batch: Batch): boolean {
    const { outbox } = this.#parts;
    if (run.isAborted || this.#isHeld(run)) return false;
    outbox.reconcile();
    return batch.every((entry) => outbox.has(entry));
  }

  /** Whether only automatic calls wait for the push, while everything automatic is on hold. */
  #isHeld(run: PushRun): boolean {
    return this.#parts.hold.isOn && run.calls.every((call) => call.isAutomatic);
  }

  async #request(run: PushRun, upload: Upload): Promise<Verdict> {
    const { clock, server } = this.#parts;
    this.#overdueAt = clock.monotonic() + server.maxSeconds * 1000 + OVERDUE_MS;
    const pending = server.postEntries(upload);
    this.#pending = pending;
    const { verdict, requests } = await pending.outcome;
    run.addRequests(requests);
    if (this.#pending === pending) this.#pending = undefined;
    return verdict;
  }

  /** Tests by an upload without entries whether the credentials are refused, or only the content of the batch. */
  async #confirm(run: PushRun, verdict: Verdict): Promise<Verdict> {
    if (this.#isHeld(run)) return ABORTED;
    const { kind, ...confirmation } = await this.#post(run, []);
    if (kind === 'unauthorized') return verdict;
    // An outage that began between the two requests is no evidence against the content.
    if (kind === 'transient') return { ...confirmation, kind, suspect: undefined };
    return { ...verdict, kind: 'rejected', suspect: 'content', advice: CONTENT_REFUSED };
  }
}
