import type { PushEvent, Warning } from './events.js';
import type { GetException, PushException } from './request-exceptions.js';

/** The state of an `Api`, like the output of `git status`. Frozen; a new object is made only after a change. */
export interface Status {
  /** The number of staged values. */
  readonly staged: number;
  /** The number of committed entries that wait for their push. */
  readonly committed: number;
  /** The number of entries in quarantine. */
  readonly quarantined: number;
  /** The size of the values of the committed entries, in bytes of UTF-8. */
  readonly bytes: number;
  /** The events that a committed entry survives. */
  readonly durability: Durability;
  /** The current warnings, each once, oldest first. */
  readonly warnings: readonly Warning[];
  /**
   * Whether the last request got a response, whatever response. Before the first request, and after the platform reports that
   * the network came or went: whether the platform reports a network connection, `true` if it can't report it.
   */
  readonly online: boolean;
  /** The health of the polls of `watch`; `undefined` before the first poll. */
  readonly reading: ReadingHealth | undefined;
  /** Whether a push is under way. */
  readonly pushing: boolean;
  /** The last push of which the server stored at least one entry; `undefined` if there was no such push. */
  readonly lastPush: LastPush | undefined;
  /** The time of the next automatic push, in Unix seconds by the local clock; `undefined` if no push is scheduled. */
  readonly nextTry: number | undefined;
  /** The exception of the last push; `undefined` if it succeeded or there was no push yet. */
  readonly lastException: PushException | undefined;
}

/** The health of the polls of `watch`. Frozen. */
export interface ReadingHealth {
  /** Whether the last poll succeeded. */
  readonly ok: boolean;
  /** The first of the polls in a row with this result, in Unix seconds by the local clock. */
  readonly since: number;
  /** The exception of the last poll; `undefined` if it succeeded. */
  readonly lastException: GetException | undefined;
  /** The time of the next poll, in Unix seconds by the local clock; `undefined` if no loop waits for readings. */
  readonly nextPoll: number | undefined;
}

/** A push of which the server stored at least one entry. */
export interface LastPush extends PushEvent {
  /** The end of the push, in Unix seconds by the local clock. */
  readonly at: number;
}

/**
 * The events that a saved entry survives: `'none'` nothing; `'tab'` reload, crash of the tab and a clean quit of the browser;
 * `'process'` any end of the process, also by a crash; `'power'` a power cut too.
 *
 * @group For storage adapters of your own
 */
export type Durability = 'none' | 'tab' | 'process' | 'power';
