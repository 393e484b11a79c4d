import type { QueuedEntry } from '../model/entry.js';

/** An entry is skipped when it fails in one more push after this many pushes in a row. */
const FAILED_PUSHES = 2;
/** An entry that failed as a probe this often is likely bad too: the next probe is the entry behind it. */
const FAILED_PROBES = 3;

/**
 * The entry that fails in a request of its own, because of its content or because of an outage. When it fails in the third push
 * in a row, it is skipped; the entry behind it, the probe, shows the cause.
 */
export class FailingEntry {
  #entry: QueuedEntry | undefined;
  /** The number of pushes in a row in which it failed. */
  #pushes = 0;
  #skipped: QueuedEntry | undefined;
  /** How often each entry failed as a probe. */
  readonly #failedProbes = new Map<QueuedEntry, number>();
  /** The skipped entry whose probe failed last. */
  #probedFor: QueuedEntry | undefined;

  begin(): void {
    this.#skipped = undefined;
  }

  /** The number of failing entries and failed probes. */
  get size(): number {
    return this.#failedProbes.size + (this.#entry === undefined ? 0 : 1);
  }

  /** The skipped entry whose probe has not been judged in this push. */
  get skipped(): QueuedEntry | undefined {
    return this.#skipped;
  }

  /** Whether an entry can't be the probe: several bad entries may be queued in a row. */
  isUsedProbe(entry: QueuedEntry): boolean {
    return this.#skipped !== undefined && (this.#failedProbes.get(entry) ?? 0) >= FAILED_PROBES;
  }

  /** A single entry failed. @returns Whether it is skipped, so that the push goes on with the probe. */
  fail(entry: QueuedEntry): boolean {
    if (this.#skipped !== undefined) {
      // Two entries failed in a row: likely an outage, which is no evidence against either.
      this.#failedProbes.set(entry, (this.#failedProbes.get(entry) ?? 0) + 1);
      this.#probedFor = this.#skipped;
      this.#reset();
      return false;
    }
    this.#pushes = entry === this.#entry ? this.#pushes + 1 : 1;
    this.#entry = entry;
    if (this.#pushes > FAILED_PUSHES) this.#skipped = entry;
    return this.#skipped !== undefined;
  }

  /** A batch was accepted. @returns The skipped entry, as no outage caused its failure. */
  accept(batch: readonly QueuedEntry[]): QueuedEntry | undefined {
    // It passed, so the cause was an outage, in which its probes failed too.
    if (this.#probedFor !== undefined && batch.includes(this.#probedFor)) this.#failedProbes.clear();
    return this.#skipped;
  }

  remove(entries: readonly QueuedEntry[]): void {
    for (const entry of entries) {
      this.#failedProbes.delete(entry);
      if (entry === this.#entry) this.#reset();
    }
  }

  /** Whether a request of this entry only has failed before, or the entry is the probe. */
  needsOwnRequest(entry: QueuedEntry): boolean {
    return entry === this.#entry || this.#skipped !== undefined;
  }

  #reset(): void {
    this.#entry = undefined;
    this.#pushes = 0;
    this.#skipped = undefined;
  }
}
