import type { Emitter } from '../notify/emitter.js';
import type { Outbox } from '../outbox/outbox.js';
import type { Server } from '../server/server-client.js';
import type { Clock } from '../time/clock.js';
import type { ClockCorrection } from '../time/clock-correction.js';
import type { BadEntryFinder } from './bad-entry-finder.js';
import type { BatchSizer } from './batch-sizer.js';

/** What it takes to send what is queued, and to tell of it. */
export interface Outbound {
  readonly outbox: Outbox;
  readonly server: Server;
  readonly clock: Clock;
  readonly clockCorrection: ClockCorrection;
  readonly emitter: Emitter;
  /** How much one request may carry. */
  readonly sizer: BatchSizer;
  /** The entries that the server does not take, and what is sent next. */
  readonly finder: BadEntryFinder;
}
