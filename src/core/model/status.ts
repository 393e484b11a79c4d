import type { PushEvent, Warning } from './events.js';
import type { PushException } from './request-exceptions.js';

/** How things stand, as git's status would tell. Frozen; another object only when something has changed. */
export interface Status {
  /** How many values are staged. */
  readonly staged: number;
  /** How many entries are committed and wait for their push. */
  readonly committed: number;
  /** How many entries are set aside as refused by the server. */
  readonly quarantined: number;
  /** How many bytes of UTF-8 the values of the committed entries take. */
  readonly bytes: number;
  /** What a committed entry survives. */
  readonly durability: Durability;
  /** What is not as it should be, each once, oldest first. */
  readonly warnings: readonly Warning[];
  /** Whether the platform believes that there is a network: a hint that can be wrong; `true` where it has no idea. */
  readonly online: boolean;
  /** Whether a push is under way. */
  readonly pushing: boolean;
  /** The last push of which the server stored something. */
  readonly lastPush: LastPush | undefined;
  /** When the next push by itself is due, in Unix seconds; `undefined` where none is. */
  readonly nextTry: number | undefined;
  /** What the last push failed with; `undefined` once one has succeeded. */
  readonly lastException: PushException | undefined;
}

/** A push of which the server stored something. */
export interface LastPush extends PushEvent {
  /** When it ended, in Unix seconds by the local clock. */
  readonly at: number;
}

/**
 * What a saved entry survives: `'none'` nothing, `'tab'` reload, crash of the tab and a clean quit of the browser,
 * `'process'` the end of the process by any means, `'power'` a power cut too.
 *
 * @group For storage adapters of your own
 */
export type Durability = 'none' | 'tab' | 'process' | 'power';
