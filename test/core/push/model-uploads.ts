import type { QueuedEntry } from '../../../src/core/model/entry.js';
import { BadEntryFinder, type UploadVerdict } from '../../../src/core/push/bad-entry-finder.js';
import type { Batch } from '../../../src/core/push/batch.js';
import { BatchSizer } from '../../../src/core/push/batch-sizer.js';
import { queuedEntry } from '../../support/builders/queued-entry.js';

/** How the model server fails over a bad entry, or over everything in an outage. */
export type Mode = 'refused' | 'failed' | 'cut-off' | 'time-out';
export const MODES: readonly Mode[] = ['refused', 'failed', 'cut-off', 'time-out'];
export const FAILURES = MODES.filter((mode) => mode !== 'refused');

/** The default limits of a request. */
export const LIMITS = { maxEntries: 1000, maxBytes: 512 * 1024 };

/** How the finder sees each outcome. */
export const VERDICTS: Readonly<Record<Mode | 'stored', UploadVerdict>> = {
  stored: { kind: 'stored', message: '' },
  refused: { kind: 'invalid-entries', status: 400, message: 'Bad request: 400' },
  failed: { kind: 'transient', suspect: 'content', status: 503, message: 'Bad luck: 503' },
  'cut-off': { kind: 'transient', suspect: 'cut-off', message: 'Bad luck: reset' },
  'time-out': { kind: 'transient', suspect: 'content', message: 'Bad luck: time-out' },
};

/** One request of the model. */
export interface Request {
  readonly batch: readonly QueuedEntry[];
  readonly kind: Mode | 'stored';
}

export interface PushReport {
  readonly requests: readonly Request[];
  readonly stored: number;
}

/** A queue, a server, and the smallest uploader between the two. */
export class ModelUploads {
  readonly finder = new BadEntryFinder();
  readonly sizer: BatchSizer;
  readonly #maxEntries: number;
  readonly #bad = new Map<QueuedEntry, Mode>();
  queue: QueuedEntry[] = [];
  readonly stored: QueuedEntry[] = [];
  readonly quarantined: { readonly entry: QueuedEntry; readonly status: number; readonly at: number }[] = [];
  /** In how many pushes each entry failed alone. */
  readonly failedAlone = new Map<QueuedEntry, number>();
  /** The state of the server: `undefined` while it is up. */
  outage: Mode | undefined;
  /** Called before each request. @param index - Of the request in its push. */
  onRequest: (index: number) => void = () => {};
  /** On the monotonic clock, in milliseconds. */
  now = 0;
  /** From the end of a push to the next. */
  interval = 60_000;
  pushes = 0;
  requests = 0;
  maxRequests = 0;
  #sequence = 0;

  constructor(maxEntries = 1000) {
    this.#maxEntries = maxEntries;
    this.sizer = new BatchSizer({ ...LIMITS, maxEntries });
  }

  /** Commits entries. @param bad - How the server fails over each; `undefined` for a good one. */
  commit(...bad: (Mode | undefined)[]): QueuedEntry[] {
    return bad.map((mode) => {
      this.#sequence += 1;
      const entry = queuedEntry(this.#sequence);
      if (mode !== undefined) this.#bad.set(entry, mode);
      this.queue.push(entry);
      return entry;
    });
  }

  isBad(entry: QueuedEntry): boolean {
    return this.#bad.has(entry);
  }

  /** The server takes a bad entry from now on. */
  repair(entry: QueuedEntry): void {
    this.#bad.delete(entry);
  }

  get goodLeft(): number {
    return this.queue.filter((entry) => !this.isBad(entry)).length;
  }

  get storedSequences(): number[] {
    return this.stored.map(({ sequence }) => sequence);
  }

  get struck(): number {
    return this.finder.struckCount;
  }

  /** One push of all that is queued. */
  push(): PushReport {
    this.pushes += 1;
    this.finder.begin({ queued: this.queue.length, maxEntries: this.#maxEntries });
    const requests: Request[] = [];
    const before = this.stored.length;
    for (let isOver = false; !isOver; ) {
      const batch = this.finder.plan(this.queue, this.sizer.limits);
      if (batch.length === 0) break;
      if (batch.length > this.sizer.limits.maxEntries) throw new Error('more entries than the limit');
      const kind = this.#send(batch, requests.length);
      requests.push({ batch, kind });
      isOver = this.#settle(batch, kind);
      if (requests.length > 10_000) throw new Error('an endless push');
    }
    this.requests += requests.length;
    this.maxRequests = Math.max(this.maxRequests, requests.length);
    this.now += this.interval;
    return { requests, stored: this.stored.length - before };
  }

  #send(batch: readonly QueuedEntry[], index: number): Mode | 'stored' {
    this.onRequest(index);
    const bad = batch.find((entry) => this.#bad.has(entry));
    const kind = this.outage ?? (bad && this.#bad.get(bad)) ?? 'stored';
    this.now += kind === 'time-out' ? 30_000 : 50;
    return kind;
  }

  #settle(batch: Batch, kind: Mode | 'stored'): boolean {
    const first = batch[0] as QueuedEntry;
    if (batch.length === 1 && kind !== 'stored') this.failedAlone.set(first, (this.failedAlone.get(first) ?? 0) + 1);
    const settled = this.finder.settle(batch, VERDICTS[kind], this.now);
    if (kind === 'stored') {
      this.sizer.grow();
      this.stored.push(...batch);
      this.#remove(batch);
    } else if (kind !== 'refused') this.sizer.shrink(batch, { isCutOff: kind === 'cut-off' });
    if (settled.quarantine !== undefined) {
      const { entry, rejection } = settled.quarantine;
      this.quarantined.push({ entry, status: rejection.status, at: this.now });
      this.#remove([entry]);
    }
    return settled.endsPush;
  }

  #remove(entries: readonly QueuedEntry[]): void {
    const removed = new Set(entries);
    const isHead = entries.every((entry, index) => entry === this.queue[index]);
    if (isHead) this.queue.splice(0, entries.length);
    else this.queue = this.queue.filter((entry) => !removed.has(entry));
    this.finder.remove(entries);
  }
}

/** A queue with bad entries at some places. */
export function uploadsOf(count: number, places: ReadonlyMap<number, Mode>, maxEntries?: number): ModelUploads {
  const uploads = new ModelUploads(maxEntries);
  uploads.commit(...Array.from({ length: count }, (_, index) => places.get(index)));
  return uploads;
}

export function pushUntil(uploads: ModelUploads, isDone: () => boolean, maxPushes = 100): void {
  while (!isDone()) {
    if (uploads.pushes >= maxPushes) throw new Error(`not done after ${maxPushes} pushes`);
    uploads.push();
  }
}

export function pushUntilGoodAreStored(uploads: ModelUploads, maxPushes: number): void {
  pushUntil(uploads, () => uploads.goodLeft === 0, maxPushes);
}

export function expectAscending(uploads: ModelUploads): void {
  const stored = uploads.storedSequences;
  const at = stored.findIndex((sequence, index) => index > 0 && sequence <= (stored[index - 1] as number));
  if (at >= 0) throw new Error(`entry ${stored[at]} was delivered after ${stored[at - 1]}`);
}

export const entries = (count: number): QueuedEntry[] =>
  Array.from({ length: count }, (_, index) => queuedEntry(index + 1));
export const sequences = (batch: readonly QueuedEntry[]): number[] => batch.map(({ sequence }) => sequence);
/** So many good entries, to commit. */
export const good = (count: number): undefined[] => Array.from({ length: count }, () => undefined);
