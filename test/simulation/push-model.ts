/** The meaning of an answer, by the table of the documentation: this shares no code with `verdict.ts`. */
export type Meaning = 'stored' | 'refused' | 'unauthorized' | 'failed' | 'transient' | 'aborted';

/** An entry that failed in a request of its own in so many pushes may be skipped. */
const PUSHES_TO_SKIP = 3;
const STRIKES = 3;
const STRIKE_INTERVAL_MS = 60_000;
/** A push ends after so many failures in a row. */
const MAX_FAILURES = 2;

/** The expected course of the pushes of one run. */
export class PushModel {
  /** The entries that the server refused in a request of their own. */
  readonly #refusedAlone = new Set<string>();
  /** By entry: the pushes in which a request of its own failed. */
  readonly #failedAlone = new Map<string, Set<number>>();
  /** By entry: how many acceptances followed its failure in the same push, at least 60 s apart, and when the last did. */
  readonly #strikes = new Map<string, { count: number; at: number }>();
  #push = 0;
  // Of this push:
  #hasAccepted = false;
  #failures = 0;
  #isOver = false;
  #hasRefused = false;
  readonly #failedBefore = new Set<string>();
  #unconfirmed: readonly string[] | undefined;
  #isConfirmed = false;

  /** The number of the push in progress, or of the last one. */
  get push(): number {
    return this.#push;
  }

  /** The entries for which refused credentials are to be confirmed. */
  get unconfirmed(): readonly string[] {
    return this.#unconfirmed ?? [];
  }

  /** Whether content was refused in this push. */
  get hasRefused(): boolean {
    return this.#hasRefused;
  }

  /** Whether the push must end with its last answer. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether the credentials were refused twice in a row: for the entries, and for an upload without any. */
  get isConfirmed(): boolean {
    return this.#isConfirmed;
  }

  /**
   * An upload leaves.
   *
   * @param push - The number of its push.
   * @returns The reason why it must not; `undefined` if it may.
   */
  sent(push: number, ids: readonly string[]): string | undefined {
    if (push !== this.#push) this.#begin(push);
    const isConfirmation = ids.length === 0;
    if (isConfirmation !== (this.#unconfirmed !== undefined))
      return isConfirmation ? 'an upload without entries confirms nothing' : 'refused credentials are not confirmed';
    return this.#isOver ? `a push goes on after ${this.#failures} failures in a row` : undefined;
  }

  #begin(push: number): void {
    this.#push = push;
    this.#hasAccepted = false;
    this.#failures = 0;
    this.#isOver = false;
    this.#hasRefused = false;
    this.#failedBefore.clear();
    this.#unconfirmed = undefined;
    this.#isConfirmed = false;
  }

  /**
   * An upload is answered.
   *
   * @param isOfContent - Whether the server itself rejected the request, as it does not in an outage.
   * @param now - On the monotonic clock, in milliseconds.
   */
  ended(ids: readonly string[], meaning: Meaning, isOfContent: boolean, now: number): void {
    const unconfirmed = this.#unconfirmed;
    this.#unconfirmed = undefined;
    if (meaning === 'aborted') return;
    if (unconfirmed !== undefined) this.#confirmed(unconfirmed, meaning, isOfContent);
    else if (meaning === 'unauthorized') this.#unconfirmed = ids;
    else if (meaning === 'stored') this.#accepted(ids, now);
    else if (meaning === 'refused') this.#refused(ids);
    else if (meaning === 'failed') this.#failed(ids);
    else this.#isOver = true;
  }

  #confirmed(ids: readonly string[], meaning: Meaning, isOfContent: boolean): void {
    if (meaning === 'stored' || meaning === 'refused' || isOfContent) {
      this.#failed(ids);
      return;
    }
    this.#isOver = true;
    this.#isConfirmed = meaning === 'unauthorized';
  }

  #accepted(ids: readonly string[], now: number): void {
    this.#hasAccepted = true;
    this.#failures = 0;
    for (const id of ids) for (const known of [this.#refusedAlone, this.#failedAlone, this.#strikes]) known.delete(id);
    for (const id of this.#failedBefore) {
      const { count, at } = this.#strikes.get(id) ?? { count: 0, at: Number.NEGATIVE_INFINITY };
      if (!ids.includes(id) && now - at >= STRIKE_INTERVAL_MS) this.#strikes.set(id, { count: count + 1, at: now });
    }
    this.#failedBefore.clear();
  }

  #refused(ids: readonly string[]): void {
    this.#hasRefused = true;
    this.#failures = 0;
    const [id] = ids;
    if (ids.length === 1 && id !== undefined) this.#refusedAlone.add(id);
  }

  #failed(ids: readonly string[]): void {
    this.#failures += 1;
    this.#isOver = this.#failures >= MAX_FAILURES;
    const [id] = ids;
    if (ids.length !== 1 || id === undefined) return;
    this.#failedBefore.add(id);
    this.#failedAlone.set(id, (this.#failedAlone.get(id) ?? new Set()).add(this.#push));
    // Until it may be skipped, it ends the push.
    this.#isOver ||= !this.maySkip(id);
  }

  /** Whether later entries may be sent before an entry. */
  maySkip(id: string): boolean {
    return this.#refusedAlone.has(id) || (this.#failedAlone.get(id)?.size ?? 0) >= PUSHES_TO_SKIP;
  }

  /** @returns The reason why an entry must not be quarantined now; `undefined` if it may. */
  whyNotQuarantine(id: string, isRetryable: boolean): string | undefined {
    if (isRetryable) {
      const count = this.#strikes.get(id)?.count ?? 0;
      return count < STRIKES ? `others were accepted after its failures ${count} times` : undefined;
    }
    if (!this.#refusedAlone.has(id)) return 'it was never refused in a request of its own';
    return this.#hasAccepted ? undefined : 'no other was accepted';
  }
}
