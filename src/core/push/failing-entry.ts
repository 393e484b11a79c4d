import type { QueuedEntry } from '../model/entry.js';

/** An entry is skipped when it fails alone in the push after so many in a row. */
const FAILED_PUSHES = 2;
/** An entry that failed as a probe so often is likely bad too: the next probe is the entry behind it. */
const FAILED_PROBES = 3;

/**
 * The entry that fails when it is sent alone: because of its content, or because of an outage. In the third push in a row it
 * is skipped, and the entry behind it, the probe, shows which.
 */
export class FailingEntry {
  #entry: QueuedEntry | undefined;
  /** In how many pushes in a row it failed. */
  #pushes = 0;
  #skipped: QueuedEntry | undefined;
  /** How often entries failed as probes, and the entry that was skipped then. */
  readonly #failedProbes = new Map<QueuedEntry, number>();
  #probedFor: QueuedEntry | undefined;

  begin(): void {
    this.#skipped = undefined;
  }

  /** How many entries are known here. */
  get size(): number {
    return this.#failedProbes.size + (this.#entry === undefined ? 0 : 1);
  }

  /** The entry that failed alone last, while its probe is awaited in this push. */
  get skipped(): QueuedEntry | undefined {
    return this.#skipped;
  }

  /** Whether an entry is not to be the probe, as several bad entries may stand in a row. */
  isUsedProbe(entry: QueuedEntry): boolean {
    return this.#skipped !== undefined && (this.#failedProbes.get(entry) ?? 0) >= FAILED_PROBES;
  }

  /** An entry failed alone. @returns Whether it is skipped, so that the push goes on with the probe. */
  fail(entry: QueuedEntry): boolean {
    if (this.#skipped !== undefined) {
      // Two entries failed in a row: likely an outage, which is no evidence against either.
      this.#failedProbes.set(entry, (this.#failedProbes.get(entry) ?? 0) + 1);
      this.#probedFor = this.#skipped;
      this.#forget();
      return false;
    }
    this.#pushes = entry === this.#entry ? this.#pushes + 1 : 1;
    this.#entry = entry;
    if (this.#pushes > FAILED_PUSHES) this.#skipped = entry;
    return this.#skipped !== undefined;
  }

  /** A batch was accepted. @returns The skipped entry, for the failure of which there was no outage. */
  accept(batch: readonly QueuedEntry[]): QueuedEntry | undefined {
    // It passes after all, so there was an outage, and its probes failed for the same reason.
    if (this.#probedFor !== undefined && batch.includes(this.#probedFor)) this.#failedProbes.clear();
    return this.#skipped;
  }

  remove(entries: readonly QueuedEntry[]): void {
    for (const entry of entries) {
      this.#failedProbes.delete(entry);
      if (entry === this.#entry) this.#forget();
    }
  }

  /** Whether an entry failed alone before, or is the probe. */
  isSentAlone(entry: QueuedEntry): boolean {
    return entry === this.#entry || this.#skipped !== undefined;
  }

  #forget(): void {
    this.#entry = undefined;
    this.#pushes = 0;
    this.#skipped = undefined;
  }
}
