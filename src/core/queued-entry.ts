import type { StoredEntry } from './entry.js';
import type { Stretch } from './wall-clock.js';

/** How an entry came into the queue: committed by this `Api`, put back by it, or left by a dead run. */
export type Origin = 'committed' | 'restored' | 'adopted';

/** An entry that waits for its push, or in quarantine. */
export interface QueuedEntry extends StoredEntry {
  readonly origin: Origin;
  /** When it was committed with the time of that moment, in this run; else absent. */
  readonly stretch: Stretch | undefined;
}
