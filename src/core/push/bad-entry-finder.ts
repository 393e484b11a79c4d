import type { QueuedEntry, Rejection } from '../model/entry.js';
import type { Verdict } from '../server/verdict.js';
import { type Batch, type BatchLimits, batchLength } from './batch.js';
import { FailingEntry } from './failing-entry.js';
import { type BadEntry, Strikes } from './strikes.js';
import { Suspects } from './suspects.js';

/** The verdict on an upload, as far as its entries are concerned. */
export type UploadVerdict = Pick<Verdict, 'kind' | 'suspect' | 'status' | 'message'>;

/** The consequences of an upload. */
export interface Settlement {
  readonly quarantine?: BadEntry | undefined;
  /** Whether the push ends with this outcome. */
  readonly endsPush: boolean;
}

const MAX_QUARANTINED = 20;
const MAX_FAILURES = 2;

/**
 * Finds the entries that the server does not accept, so that they don't hold up the rest of the queue, and plans the batches.
 *
 * ```
 *               refused alone, before any acceptance            refused alone, after an acceptance in the same push
 *  unsuspected ──────────────────────────────────────▶ suspect ────────────────────────────────────────▶ quarantine
 *       │                                           (sent alone)                                             ▲
 *       │ failed alone in 3 pushes, and the entry behind it passed                              third strike │
 *       └──────────────────────────────────────────────────────▶ struck (sent alone, before the last request)┘
 * ```
 * Success ends each of these states. Only an acceptance in the same push is evidence against an entry: a server that is down,
 * or refuses everything, quarantines nothing and changes no order.
 */
export class BadEntryFinder {
  readonly #suspects = new Suspects();
  readonly #failing = new FailingEntry();
  readonly #strikes = new Strikes();
  /** In this push: the number of requests in a row without acceptance, and the number that ends the push. */
  #unaccepted = 0;
  #maxUnaccepted = 2;
  /** In this push: the number of failures in a row. */
  #failures = 0;
  #quarantined = 0;

  /** A push begins. @param queued - The number of queued entries. @param maxEntries - The configured limit of a request. */
  begin({ queued, maxEntries }: { readonly queued: number; readonly maxEntries: number }): void {
    this.#suspects.begin();
    this.#failing.begin();
    this.#strikes.begin();
    this.#unaccepted = 0;
    // Enough for a suspect, an entry that fails, and its probe.
    this.#maxUnaccepted = Math.floor(2 * Math.log2(Math.max(2, Math.min(queued, maxEntries)))) + 2;
    this.#failures = 0;
    this.#quarantined = 0;
  }

  /** The number of queued entries with strikes. */
  get struckCount(): number {
    return this.#strikes.size;
  }

  /** Whether a search by halves is under way. */
  get isNarrowing(): boolean {
    return this.#suspects.narrowedLength > 0;
  }

  hasStrikes(entry: QueuedEntry): boolean {
    return this.#strikes.has(entry);
  }

  /** Whether a request that includes this entry would likely fail. */
  isBlamed(entry: QueuedEntry): boolean {
    return this.#suspects.has(entry) || this.#strikes.has(entry);
  }

  /** Entries left the outbox, for any reason. */
  remove(entries: readonly QueuedEntry[]): void {
    if (!this.#hasKnowledge) return;
    this.#suspects.remove(entries);
    this.#failing.remove(entries);
    this.#strikes.remove(entries);
  }

  /**
   * The next batch; empty if no candidate is to be sent in this push any more. Pure: it may be called with several lists of
   * candidates.
   *
   * @param candidates - Oldest first; read no further than needed.
   */
  plan(candidates: Iterable<QueuedEntry>, limits: BatchLimits): Batch {
    if (!this.#hasKnowledge) return fit(take(candidates, limits.maxEntries), limits);
    // One more than can be sent shows whether this is the last request.
    const enough = Math.max(limits.maxEntries, this.#suspects.narrowedLength) + 1;
    const { line, struck } = this.#sort(candidates, enough);
    const batch = this.#head(line, limits);
    if (batch.length < line.length || this.#failing.skipped !== undefined) return batch;
    const trial = this.#strikes.next(struck);
    // Before the last request, so that an acceptance can follow its failure.
    return trial === undefined ? batch : [trial];
  }

  /**
   * Evaluates the verdict on an upload, before its entries leave the queue.
   *
   * @param now - On the monotonic clock, in milliseconds.
   */
  settle(batch: Batch, { kind, suspect, status = 0, message }: UploadVerdict, now: number): Settlement {
    const rejection = { status, reason: message };
    switch (kind) {
      case 'stored':
        return { quarantine: this.#accept(batch, now), endsPush: false };
      case 'invalid-entries':
        return this.#refuse(batch, rejection, { isContent: true });
      case 'too-large':
        return this.#refuse(batch, rejection, { isContent: false });
      default:
        return suspect === undefined ? { endsPush: true } : this.#fail(batch, rejection);
    }
  }

  get #hasKnowledge(): boolean {
    return this.#suspects.size + this.#failing.size + this.#strikes.size > 0;
  }

  #accept(batch: Batch, now: number): BadEntry | undefined {
    this.#unaccepted = 0;
    this.#failures = 0;
    this.#suspects.accept(batch);
    const skipped = this.#failing.accept(batch);
    this.remove(batch);
    if (skipped !== undefined) {
      this.remove([skipped]);
      this.#strikes.add(skipped, now);
    }
    const bad = this.#strikes.confirm(now);
    if (bad !== undefined) this.remove([bad.entry]);
    return bad;
  }

  #fail(batch: Batch, rejection: Rejection): Settlement {
    this.#failures += 1;
    const canGoOn = batch.length > 1 || this.#failSingle({ entry: batch[0] as QueuedEntry, rejection });
    return { endsPush: this.#countUnaccepted() || !canGoOn || this.#failures >= MAX_FAILURES };
  }

  /** @returns Whether the push may go on. */
  #failSingle(bad: BadEntry): boolean {
    if (!this.#strikes.has(bad.entry)) return this.#failing.fail(bad.entry);
    this.#strikes.fail(bad);
    return true;
  }

  #refuse(batch: Batch, rejection: Rejection, { isContent }: { readonly isContent: boolean }): Settlement {
    this.#failures = 0;
    const endsPush = this.#countUnaccepted();
    if (batch.length > 1) {
      if (isContent) this.#suspects.narrow(batch);
      return { endsPush };
    }
    const entry = batch[0] as QueuedEntry;
    this.remove([entry]);
    if (!this.#suspects.refuse(entry)) return { endsPush };
    this.#quarantined += 1;
    return { quarantine: { entry, rejection }, endsPush: endsPush || this.#quarantined >= MAX_QUARANTINED };
  }

  /** @returns Whether the push ends: after this many requests in a row another request would likely fail too. */
  #countUnaccepted(): boolean {
    this.#unaccepted += 1;
    return this.#unaccepted >= this.#maxUnaccepted;
  }

  /** The entries without strikes in the order in which they are sent, at most `count`; and the entries with strikes. */
  #sort(candidates: Iterable<QueuedEntry>, count: number) {
    const struck = new Set<QueuedEntry>();
    const suspects: QueuedEntry[] = [];
    const usedProbes: QueuedEntry[] = [];
    const fresh: QueuedEntry[] = [];
    for (const entry of candidates) {
      if (entry === this.#failing.skipped) continue;
      if (this.#strikes.has(entry)) struck.add(entry);
      else if (this.#suspects.isLeftToEnd(entry)) suspects.push(entry);
      else if (this.#failing.isUsedProbe(entry)) usedProbes.push(entry);
      else if (fresh.push(entry) === count) break;
    }
    // A suspect is a better probe than an entry that has failed as a probe.
    const lines = [fresh, this.#suspects.retry(suspects), usedProbes];
    return { line: lines.find(({ length }) => length > 0) ?? [], struck };
  }

  /** The part of the line that one request carries. */
  #head(line: readonly QueuedEntry[], limits: BatchLimits): QueuedEntry[] {
    const [first] = line;
    if (first === undefined) return [];
    const half = this.#suspects.half(line);
    if (half !== undefined) return fit(line.slice(0, half), limits);
    if (this.#needsOwnRequest(first)) return [first];
    const next = line.findIndex((entry) => this.#needsOwnRequest(entry));
    return fit(next < 0 ? line : line.slice(0, next), limits);
  }

  /** Whether the entry has to be sent separately: it would make the request fail, or is the evidence about another entry. */
  #needsOwnRequest(entry: QueuedEntry): boolean {
    return this.#failing.needsOwnRequest(entry) || this.#suspects.needsOwnRequest(entry);
  }
}

function take(candidates: Iterable<QueuedEntry>, count: number): QueuedEntry[] {
  const taken: QueuedEntry[] = [];
  for (const entry of candidates) if (taken.push(entry) >= count) break;
  return taken;
}

const fit = (entries: readonly QueuedEntry[], limits: BatchLimits): QueuedEntry[] =>
  entries.slice(0, batchLength(entries, limits));
