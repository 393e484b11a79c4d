import type { Clock } from './clock.js';
import type { Emitter } from './emitter.js';
import type { Isolation } from './isolation.js';
import type { LearnedSize } from './learned-size.js';
import type { PushQueue } from './push-queue.js';
import type { Server } from './server.js';
import type { WallClock } from './wall-clock.js';

/** What it takes to send what is queued, and to tell of it. */
export interface Outbound {
  readonly queue: PushQueue;
  readonly server: Server;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly emitter: Emitter;
  /** How much one request may carry. */
  readonly size: LearnedSize;
  /** What the server will not take, and what is sent next. */
  readonly isolation: Isolation;
}
