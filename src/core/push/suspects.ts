import type { QueuedEntry } from '../model/entry.js';

/**
 * The search for entries with refused content, by bisection. A server may refuse everything for a while, so a single entry that
 * is refused before any acceptance is only a suspect. The next push sends its oldest suspect first: acceptance clears all
 * suspects; rejection moves the suspects to the end of the push, so that many bad entries never hold up the good entries.
 */
export class Suspects {
  readonly #suspects = new Set<QueuedEntry>();
  /** The suspects refused in this push. */
  readonly #refused = new Set<QueuedEntry>();
  /** Entries, at least one of which is bad. */
  #narrowed: readonly QueuedEntry[] = [];
  #hasAccepted = false;
  /** Whether a single entry was refused in this push, so that suspects are sent at its end. */
  #hasRefused = false;

  begin(): void {
    this.#refused.clear();
    this.#narrowed = [];
    this.#hasAccepted = false;
    this.#hasRefused = false;
  }

  /** The number of suspects and searched entries. */
  get size(): number {
    return this.#suspects.size + this.#narrowed.length;
  }

  has(entry: QueuedEntry): boolean {
    return this.#suspects.has(entry);
  }

  isLeftToEnd(entry: QueuedEntry): boolean {
    return this.#hasRefused && this.#suspects.has(entry);
  }

  /** A batch of this push was accepted. */
  accept([first]: readonly QueuedEntry[]): void {
    this.#hasAccepted = true;
    if (first === undefined || !this.#suspects.has(first)) return;
    // The server had refused everything for a while: this clears all suspects that were not refused in this push.
    for (const entry of this.#suspects) if (!this.#refused.has(entry)) this.#suspects.delete(entry);
  }

  /** Several entries were refused. */
  narrow(batch: readonly QueuedEntry[]): void {
    this.#narrowed = batch;
  }

  /** A single entry was refused. @returns Whether it is bad: another entry was accepted in this push. */
  refuse(entry: QueuedEntry): boolean {
    this.#narrowed = [];
    this.#hasRefused = true;
    if (this.#hasAccepted) return true;
    this.#suspects.add(entry);
    this.#refused.add(entry);
    return false;
  }

  remove(entries: readonly QueuedEntry[]): void {
    for (const entry of entries) {
      this.#suspects.delete(entry);
      this.#refused.delete(entry);
    }
    if (this.#narrowed.length === 0) return;
    const removed = new Set(entries);
    this.#narrowed = this.#narrowed.filter((entry) => !removed.has(entry));
  }

  /** The number of entries at the head of the line to send next for the search; `undefined` if none of them is searched. */
  half(line: readonly QueuedEntry[]): number | undefined {
    const narrowed = this.#narrowed;
    const isAtHead = narrowed.length > 0 && narrowed.every((entry, index) => entry === line[index]);
    return isAtHead ? Math.ceil(narrowed.length / 2) : undefined;
  }

  /** The number of entries of a line that {@link Suspects.half} reads. */
  get narrowedLength(): number {
    return this.#narrowed.length;
  }

  /** Whether the entry has to be sent separately: as a suspect, or as the evidence against the suspects. */
  needsOwnRequest(entry: QueuedEntry): boolean {
    return this.#suspects.has(entry) || (this.#hasRefused && !this.#hasAccepted);
  }

  /** The suspects to send: first those not refused in this push, then, once a rejection is evidence, the refused suspects again. */
  retry(suspects: readonly QueuedEntry[]): readonly QueuedEntry[] {
    const untried = suspects.filter((entry) => !this.#refused.has(entry));
    return untried.length === 0 && this.#hasAccepted ? suspects : untried;
  }
}
