import type { QueuedEntry } from '../model/entry.js';

/**
 * The search for entries with refused content, by halves. A server may refuse everything for a while, so an entry refused
 * alone before any acceptance is only a suspect. The next push sends its oldest suspect first: acceptance clears the others;
 * rejection leaves them to the end, so that many bad entries never hold up the rest.
 */
export class Suspects {
  readonly #suspects = new Set<QueuedEntry>();
  /** The suspects refused in this push. */
  readonly #refused = new Set<QueuedEntry>();
  /** Entries with a bad one among them. */
  #narrowed: readonly QueuedEntry[] = [];
  #hasAccepted = false;
  /** Whether an entry was refused alone in this push, so that suspects are left to its end. */
  #hasRefused = false;

  begin(): void {
    this.#refused.clear();
    this.#narrowed = [];
    this.#hasAccepted = false;
    this.#hasRefused = false;
  }

  /** How many entries are known here. */
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
    // The server refused everything for a while: the other suspects are unsuspected too, unless refused in this push.
    for (const entry of this.#suspects) if (!this.#refused.has(entry)) this.#suspects.delete(entry);
  }

  /** Several entries were refused. */
  narrow(batch: readonly QueuedEntry[]): void {
    this.#narrowed = batch;
  }

  /** An entry was refused alone. @returns Whether it is bad: another was accepted in this push. */
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

  /** How many entries at the head of the line to send for the search; `undefined` if the search is not there. */
  half(line: readonly QueuedEntry[]): number | undefined {
    const narrowed = this.#narrowed;
    const isAtHead = narrowed.length > 0 && narrowed.every((entry, index) => entry === line[index]);
    return isAtHead ? Math.ceil(narrowed.length / 2) : undefined;
  }

  /** How much of a line {@link Suspects.half} reads. */
  get narrowedLength(): number {
    return this.#narrowed.length;
  }

  /** Whether an entry is to be judged alone, or its acceptance is needed to judge others. */
  isSentAlone(entry: QueuedEntry): boolean {
    return this.#suspects.has(entry) || (this.#hasRefused && !this.#hasAccepted);
  }

  /** The suspects to send: those not refused in this push, then, once a rejection is evidence, the others again. */
  retry(suspects: readonly QueuedEntry[]): readonly QueuedEntry[] {
    const untried = suspects.filter((entry) => !this.#refused.has(entry));
    return untried.length === 0 && this.#hasAccepted ? suspects : untried;
  }
}
