import { BACKLOG, type Lane, type Lanes, LIVE, URGENT } from '../outbox/lanes.js';
import type { BadEntryFinder } from './bad-entry-finder.js';
import { type Batch, batchLength, bodyBytes } from './batch.js';
import type { BatchSizer } from './batch-sizer.js';

/** How long a request of the backlog is to hold up live entries. */
const BACKLOG_MS = 5000;

/** The parts of a client that a planner of batches uses. */
export interface BatchPlannerParts {
  readonly lanes: Lanes;
  readonly finder: BadEntryFinder;
  readonly sizer: BatchSizer;
}

/** Forms batches, each of one lane: urgent entries first, then the live lane and the backlog alternately. */
export class BatchPlanner {
  readonly #parts: BatchPlannerParts;
  #next: Lane = LIVE;
  /** The lane of the last batch. */
  #lane: Lane = BACKLOG;
  /** As many bytes as passed within {@link BACKLOG_MS} at the rate of the last request of the backlog, or of the first request. */
  #backlogBytes: number | undefined;

  constructor(parts: BatchPlannerParts) {
    this.#parts = parts;
  }

  /** A push begins. */
  begin(): void {
    this.#next = LIVE;
  }

  /**
   * The entries of the next request; empty if none is to be sent in this push any more.
   *
   * @param upTo - The last sequence number of the backlog; the live lane is not limited.
   */
  next(upTo: number): Batch {
    const { lanes, finder, sizer } = this.#parts;
    const { limits } = sizer;
    const batch = finder.plan(lanes.inOrder(upTo, this.#next), limits);
    const [first] = batch;
    if (first === undefined || !lanes.isActive) return batch;
    const lane = lanes.laneOf(first);
    const ofLane = batch.filter((entry) => lanes.laneOf(entry) === lane);
    this.#lane = lane;
    if (lane === BACKLOG && this.#backlogBytes !== undefined)
      ofLane.length = batchLength(ofLane, { ...limits, maxBytes: Math.min(limits.maxBytes, this.#backlogBytes) });
    return ofLane;
  }

  /** The last batch was stored, and the finder has drawn its conclusions. */
  onStored(batch: Batch, milliseconds: number): void {
    const { lanes, finder } = this.#parts;
    if (!lanes.hasLive) return;
    if (this.#lane === BACKLOG || this.#backlogBytes === undefined)
      this.#backlogBytes = (bodyBytes(batch) * BACKLOG_MS) / milliseconds;
    // A search by halves goes on where it is.
    if (this.#lane !== URGENT && !finder.isNarrowing) this.#next = this.#lane === LIVE ? BACKLOG : LIVE;
  }
}
