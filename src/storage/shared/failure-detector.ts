/** Whoever can't be asked is dead after as long without a sign: pages beat and processes touch their files once a minute, or more often. */
const DEAD_AFTER_MS = 180_000;
/** A longer gap between two looks says that this page or process was stopped, and the other may have been too. */
const MAX_GAP_MS = 60_000;

interface Watched {
  readonly sign: string;
  /** When it was looked at last, on this run's monotonic clock. */
  readonly seen: number;
  /** For how long it has been watched without a change, in milliseconds. */
  readonly silent: number;
}

/** Tells who is dead of those who can't be asked: by how long the signs that they give have not changed. */
export class FailureDetector {
  #observed = new Map<string, Watched>();
  #before: ReadonlyMap<string, Watched> = new Map();

  /** To be called before each look at all of them: whoever is not seen at it is forgotten. */
  beginRound(): void {
    this.#before = this.#observed;
    this.#observed = new Map();
  }

  /**
   * @param sign - What it shows now.
   * @param now - On the monotonic clock, in milliseconds.
   * @returns Whether it has been silent for so long that it is dead.
   */
  isDead(name: string, sign: string, now: number): boolean {
    const last = this.#before.get(name);
    const silent = last?.sign === sign ? last.silent + Math.min(now - last.seen, MAX_GAP_MS) : 0;
    this.#observed.set(name, { sign, seen: now, silent });
    return silent >= DEAD_AFTER_MS;
  }
}
