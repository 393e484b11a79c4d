/** A writer is presumed dead after this time without a heartbeat. Pages and processes send a heartbeat at least once a minute. */
const DEAD_AFTER_MS = 180_000;
/** A longer gap between two rounds means that this page or process was stopped, and the writer may have been too. */
const MAX_GAP_MS = 60_000;

interface Watched {
  readonly heartbeat: string;
  /** The time of the last round, on this run's monotonic clock. */
  readonly seen: number;
  /** The time for which the heartbeat was observed without a change, in milliseconds. */
  readonly silent: number;
}

/** Presumes a writer dead once its heartbeat has not changed for three minutes of observation. */
export class FailureDetector {
  #observed = new Map<string, Watched>();
  #before: ReadonlyMap<string, Watched> = new Map();

  /** To be called before each round over all writers. Discards writers that the previous round did not observe. */
  beginRound(): void {
    this.#before = this.#observed;
    this.#observed = new Map();
  }

  /**
   * @param heartbeat - The present heartbeat of the writer.
   * @param now - On the monotonic clock, in milliseconds.
   * @returns Whether the writer is presumed dead.
   */
  isDead(name: string, heartbeat: string, now: number): boolean {
    const last = this.#before.get(name);
    const silent = last?.heartbeat === heartbeat ? last.silent + Math.min(now - last.seen, MAX_GAP_MS) : 0;
    this.#observed.set(name, { heartbeat, seen: now, silent });
    return silent >= DEAD_AFTER_MS;
  }
}
