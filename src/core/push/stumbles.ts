import type { QueuedEntry } from '../model/entry.js';

/** After as many failures alone an entry is passed by: it may be what the server stumbles over. */
const SUSPICIOUS = 3;

/**
 * Entries that fail alone with what is no refusal (5xx, time-outs). An outage makes any entry do so, as does a single one
 * over which the server stumbles: they are told apart by what passes right after.
 */
export class Stumbles {
  /** How often each failed alone. */
  readonly #counts = new Map<QueuedEntry, number>();
  /** Those behind which another passed: they are tried last, alone, and one of them a push. */
  readonly #proven = new Set<QueuedEntry>();
  /** Of this push: passed by, until another shows whether the server takes anything at all. */
  #passedBy: QueuedEntry | undefined;
  /** Of this push: whether one of the proven was tried. */
  #isTried = false;

  /** A push begins. */
  begin(): void {
    this.#passedBy = undefined;
    this.#isTried = false;
  }

  /** How many entries are known here. */
  get size(): number {
    return this.#counts.size;
  }

  has(entry: QueuedEntry): boolean {
    return this.#counts.has(entry);
  }

  /** Whether another passed behind an entry that failed. */
  isProven(entry: QueuedEntry): boolean {
    return this.#proven.has(entry);
  }

  /** How many there are of those. */
  get proven(): number {
    return this.#proven.size;
  }

  /** Whether the next request is to show if the server takes anything. */
  get isProbing(): boolean {
    return this.#passedBy !== undefined;
  }

  /** Whether an entry is to travel alone. */
  isSuspicious(entry: QueuedEntry): boolean {
    return (this.#counts.get(entry) ?? 0) >= SUSPICIOUS;
  }

  /** What of a line is not left to its end: while probing, first of all that which did not fail itself. */
  lead(line: readonly QueuedEntry[]): QueuedEntry[] {
    if (this.#counts.size === 0) return [...line];
    const lead = line.filter((entry) => entry !== this.#passedBy && !this.#proven.has(entry));
    const above = this.isProbing ? lead.filter((entry) => !this.isSuspicious(entry)) : [];
    return above.length > 0 ? above : lead;
  }

  /** What of a line is left to its end: one of the proven, those tried longest ago first. */
  last(line: readonly QueuedEntry[]): QueuedEntry[] {
    if (this.#isTried || this.#proven.size === 0) return [];
    const waiting = new Set(line);
    for (const entry of this.#proven) if (waiting.has(entry)) return [entry];
    return [];
  }

  /** The server takes something: what was passed by is to blame for its failure; what passed after all is not. */
  passed(batch: readonly QueuedEntry[]): void {
    if (this.#counts.size === 0) return;
    const [entry] = batch;
    // It stood first all the time: the server failed, and the entries behind it failed no less for that.
    if (entry !== undefined && this.isSuspicious(entry) && !this.#proven.has(entry)) this.#exonerate();
    for (const one of batch) this.forget(one);
    if (this.#passedBy !== undefined) this.#proven.add(this.#passedBy);
    this.#passedBy = undefined;
  }

  /** An entry failed alone. @returns Whether to go on behind it. */
  failed(entry: QueuedEntry): boolean {
    if (this.#proven.delete(entry)) {
      this.#proven.add(entry);
      this.#isTried = true;
      return true;
    }
    this.#counts.set(entry, (this.#counts.get(entry) ?? 0) + 1);
    if (this.isProbing || !this.isSuspicious(entry)) return false;
    this.#passedBy = entry;
    return true;
  }

  #exonerate(): void {
    for (const entry of this.#counts.keys()) {
      if (entry !== this.#passedBy && !this.#proven.has(entry)) this.#counts.delete(entry);
    }
  }

  /** An entry passed, or left the queue. */
  forget(entry: QueuedEntry): void {
    this.#counts.delete(entry);
    this.#proven.delete(entry);
  }
}
