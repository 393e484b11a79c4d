import type { QueuedEntry } from '../model/entry.js';
import { Stumbles } from './stumbles.js';

/** The oldest entries that wait, `count` at most. */
export type Waiting = (count: number) => QueuedEntry[];

/**
 * Finds the entries that the server will not take, by halves, so that they don't hold up the others; and decides what is
 * sent next.
 *
 * Refused alone says little by itself: a server may refuse everything for a while. So an entry is bad only if it is refused
 * alone in a push in which another was accepted; before that it is a suspect, which later pushes leave to the end. A push
 * without any acceptance is over soon.
 */
export class Isolation {
  /** Refused alone, and not yet since another was accepted. */
  readonly #suspects = new Set<QueuedEntry>();
  /** Failed alone with what is no refusal. */
  readonly #stumbles = new Stumbles();
  /** Of this push, here and below: entries of which at least one is bad, at the head of the line. */
  #narrowed: readonly QueuedEntry[] = [];
  /** Refused alone. */
  #tried = new Set<QueuedEntry>();
  #hasAccepted = false;
  /** How many requests may be refused in a row, and how many were. */
  #most = 0;
  #refusals = 0;

  /** A push begins. @param length - How many entries are queued. @param most - How many one request may carry. */
  begin(length: number, most: number): void {
    this.#narrowed = [];
    this.#tried = new Set();
    this.#stumbles.begin();
    this.#hasAccepted = false;
    this.#refusals = 0;
    this.#most = Math.floor(2 * Math.log2(Math.max(1, Math.min(length, most)))) + 2;
  }

  /** Whether so many requests were refused in a row that this push had better end. */
  get isOver(): boolean {
    return this.#refusals >= this.#most;
  }

  /** What to send next, `count` at most; nothing if all was answered. */
  next(waiting: Waiting, count: number): QueuedEntry[] {
    const line = this.#line(waiting, Math.max(count, this.#narrowed.length));
    if (this.#isNarrowedAtHeadOf(line)) return line.slice(0, Math.min(count, Math.ceil(this.#narrowed.length / 2)));
    this.#narrowed = [];
    // What is needed to judge those refused alone is one that is accepted: likely the next one, alone.
    const isProbing = this.#stumbles.isProbing || (this.#tried.size > 0 && !this.#hasAccepted);
    const [first] = line;
    return isProbing || (first && this.#tried.has(first)) ? line.slice(0, 1) : this.#together(line, count);
  }

  /** Whether nothing of what waits is to be sent in this push any more. */
  isAnswered(waiting: Waiting): boolean {
    return this.#line(waiting, 1).length === 0;
  }

  accepted(batch: readonly QueuedEntry[]): void {
    this.#hasAccepted = true;
    this.#refusals = 0;
    if (this.#narrowed.length > 0) {
      const gone = new Set(batch);
      this.#narrowed = this.#narrowed.filter((entry) => !gone.has(entry));
    }
    if (this.#suspects.size > 0) for (const entry of batch) this.#suspects.delete(entry);
    this.#stumbles.passed(batch);
  }

  /** @returns The entry that is bad beyond doubt, where this shows it. */
  refused(batch: readonly QueuedEntry[]): QueuedEntry | undefined {
    this.#refusals += 1;
    const [entry] = batch;
    if (batch.length > 1 || entry === undefined) {
      this.#narrowed = batch;
      return undefined;
    }
    this.#narrowed = [];
    if (this.#hasAccepted) {
      this.#suspects.delete(entry);
      return entry;
    }
    this.#suspects.add(entry);
    this.#tried.add(entry);
    return undefined;
  }

  /** What was sent was too much at once. */
  tooLarge(): void {
    this.#refusals += 1;
  }

  /** What was sent failed, and fewer entries might not have. @returns Whether to go on behind it. */
  stumbled(batch: readonly QueuedEntry[]): boolean {
    const [entry] = batch;
    return batch.length === 1 && entry !== undefined && this.#stumbles.failed(entry);
  }

  /** Entries left the queue, for whatever reason. */
  forget(entries: readonly QueuedEntry[]): void {
    if (this.known === 0) return;
    for (const entry of entries) {
      this.#suspects.delete(entry);
      this.#stumbles.forget(entry);
    }
  }

  /** How many entries are known here, at most. */
  get known(): number {
    return this.#suspects.size + this.#stumbles.size;
  }

  /** Whether an entry is likely what others would fail for, if they were sent with it. */
  isBlamed(entry: QueuedEntry): boolean {
    return this.#suspects.has(entry) || this.#stumbles.isProven(entry);
  }

  /** How many entries the server stumbles over, though it takes others. */
  get stumblers(): number {
    return this.#stumbles.proven;
  }

  /**
   * What may still be sent in this push, in order: what is above suspicion, the suspects, again those just refused, and one
   * over which the server stumbles.
   */
  #line(waiting: Waiting, count: number): QueuedEntry[] {
    if (this.known === 0) return waiting(count);
    const all = waiting(count + this.known);
    const lead = this.#stumbles.lead(all);
    const fresh = lead.filter((entry) => !this.#suspects.has(entry));
    if (fresh.length > 0) return fresh.slice(0, count);
    const untried = lead.filter((entry) => !this.#tried.has(entry));
    const rest = untried.length > 0 || !this.#hasAccepted ? untried : lead;
    return rest.length > 0 ? rest.slice(0, count) : this.#stumbles.last(all);
  }

  /** What may travel in one request: what the server stumbles over would make others fail. */
  #together(line: readonly QueuedEntry[], count: number): QueuedEntry[] {
    const batch = line.slice(0, count);
    const alone = this.#stumbles.size === 0 ? -1 : batch.findIndex((entry) => this.#stumbles.isSuspicious(entry));
    return alone < 0 ? batch : batch.slice(0, Math.max(alone, 1));
  }

  #isNarrowedAtHeadOf(line: readonly QueuedEntry[]): boolean {
    return this.#narrowed.length > 0 && this.#narrowed.every((entry, index) => line[index] === entry);
  }
}
