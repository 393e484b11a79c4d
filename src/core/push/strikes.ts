import type { QueuedEntry, Rejection } from '../model/entry.js';

/** An entry to quarantine, and its reason. */
export interface BadEntry {
  readonly entry: QueuedEntry;
  readonly rejection: Rejection;
}

const MAX_STRIKES = 3;
const MIN_STRIKE_INTERVAL_MS = 60_000;

/**
 * Counts in how many pushes an entry failed while another entry passed. Each push tries one entry with strikes; an acceptance
 * after its failure, in the same push, turns the failure into a strike.
 */
export class Strikes {
  /** In the order of their last trial. */
  readonly #strikes = new Map<QueuedEntry, { readonly count: number; readonly lastAt: number }>();
  /** The failure in this push that no acceptance has followed yet. */
  #trial: BadEntry | undefined;
  #isTrialOver = false;

  begin(): void {
    this.#trial = undefined;
    this.#isTrialOver = false;
  }

  get size(): number {
    return this.#strikes.size;
  }

  has(entry: QueuedEntry): boolean {
    return this.#strikes.has(entry);
  }

  remove(entries: readonly QueuedEntry[]): void {
    for (const entry of entries) this.#strikes.delete(entry);
  }

  /** The first strike. It counts as the trial of this push. */
  add(entry: QueuedEntry, now: number): void {
    this.#strikes.set(entry, { count: 1, lastAt: now });
    this.#isTrialOver = true;
  }

  /** The entry to try in this push. @param candidates - The entries with strikes that may be sent. */
  next(candidates: ReadonlySet<QueuedEntry>): QueuedEntry | undefined {
    if (this.#isTrialOver || candidates.size === 0) return undefined;
    for (const entry of this.#strikes.keys()) if (candidates.has(entry)) return entry;
    return undefined;
  }

  /** An entry with strikes failed. */
  fail(trial: BadEntry): void {
    this.#trial = trial;
    this.#isTrialOver = true;
    const strikes = this.#strikes.get(trial.entry);
    if (strikes === undefined) return;
    this.#strikes.delete(trial.entry);
    this.#strikes.set(trial.entry, strikes);
  }

  /** Another entry was accepted. @returns The entry that got its third strike by that. */
  confirm(now: number): BadEntry | undefined {
    const trial = this.#trial;
    this.#trial = undefined;
    const strikes = trial && this.#strikes.get(trial.entry);
    if (trial === undefined || strikes === undefined || now - strikes.lastAt < MIN_STRIKE_INTERVAL_MS) return undefined;
    const count = strikes.count + 1;
    this.#strikes.set(trial.entry, { count, lastAt: now });
    const { entry, rejection } = trial;
    return count < MAX_STRIKES ? undefined : { entry, rejection: { ...rejection, retryable: true } };
  }
}
