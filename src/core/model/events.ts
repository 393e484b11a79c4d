import type { Entry, QuarantinedEntry } from './entry.js';
import { ConfigException } from './exceptions.js';
import { show } from './input.js';
import type { GetException, PushException } from './request-exceptions.js';

/** A condition worth attention that is not an error. Also kept in `status().warnings`. */
export interface Warning {
  /** The kind of warning; stable across releases, for use by programs. */
  readonly code:
    | 'insecure-url'
    | 'storage-unavailable'
    | 'storage-opened-twice'
    | 'entries-waiting'
    | 'unreadable-records'
    | 'storage-failed'
    | 'unsafe-storage'
    | 'storage-cleared'
    | 'queue-long'
    | 'taken-over'
    | 'value-refused'
    | 'compression-off'
    | 'weak-ids'
    | 'listener-failed';
  /** The condition, the data that it concerns, and the remedy. */
  readonly message: string;
}

/** The events of an `Api`: the type of the listener's argument by event name. Listeners are called synchronously. */
export interface Events {
  /** An entry was committed and saved. */
  commit: Entry;
  /** A push ended, and the server stored at least one entry of it. */
  push: PushEvent;
  /** A push failed, and `autoPush` will try again. */
  retry: RetryEvent;
  /**
   * Entries are about to leave the queue undelivered: the server refused the credentials, and refused them again when asked to
   * confirm; the queue or the storage is full (`overflow`); or the entries are older than `maxAge`.
   */
  discard: DiscardEvent;
  /** Entries that make requests fail were quarantined, so that the entries behind them can pass. */
  quarantine: QuarantineEvent;
  /** Entries or staged values left behind by a dead run were adopted. */
  adopt: AdoptEvent;
  /** A condition worth attention that is not an error. */
  warning: Warning;
  /** An automatic push failed. */
  error: PushException;
  /** A poll of `watch` failed. After a transient failure `watch` polls again; else its loop throws. */
  'read-error': GetException;
  /** A request ended: with a response, without one, or aborted. */
  request: RequestEvent;
}

/** A request ended: with a response, without one, or aborted. */
export interface RequestEvent {
  /** `'POST'` uploads entries, `'GET'` reads values. */
  readonly method: 'GET' | 'POST';
  /** The HTTP status; absent if there was no response. */
  readonly status: number | undefined;
  /**
   * The meaning of the response, or of its absence. `stored`: success, also of a read. `transient`: the network or the server
   * is at fault. `unauthorized`: the credentials are refused. `too-large`, `invalid-entries`, `rejected`: the request is refused.
   */
  readonly verdict: 'stored' | 'transient' | 'unauthorized' | 'too-large' | 'invalid-entries' | 'rejected';
  /** The duration until the end of the response, in milliseconds. */
  readonly milliseconds: number;
  /** `Bad request: …` or `Bad luck: …`; empty after a success. */
  readonly message: string;
}

/** A push ended, and the server stored at least one entry of it. */
export interface PushEvent {
  /** The number of entries that the server stored. */
  readonly entries: number;
  /** The number of requests that the push made. */
  readonly requests: number;
  /** The duration of the push, from its call to its end, in milliseconds. */
  readonly milliseconds: number;
}

/** The result of a push. A call that joined a push under way gets the result of all of that push. */
export interface PushResult {
  /** The number of entries that the server stored. */
  readonly pushed: number;
  /** The number of requests; 0 if nothing was queued. */
  readonly requests: number;
  /** The number of entries that left during the push because they were older than `maxAge`; a `discard` event carried them. */
  readonly expired: number;
}

/** A push failed, and `autoPush` tries again. */
export interface RetryEvent {
  /** The time of the next attempt, in Unix seconds by the local clock. */
  readonly at: number;
  /** The delay until the next attempt, in seconds. */
  readonly seconds: number;
  /** The message of the exception that the last attempt failed with. */
  readonly message: string;
  /** The number of attempts that have failed in a row. */
  readonly attempt: number;
}

/** Entries are about to leave the queue undelivered. */
export interface DiscardEvent {
  /**
   * The cause: the server refused the credentials (`'unauthorized'`); the queue or the storage is full, and the option `overflow`
   * makes space (`'overflow'`); or the entries are older than `maxAge` (`'expired'`).
   */
  readonly reason: 'unauthorized' | 'overflow' | 'expired';
  /**
   * The entries; `restore()` puts them back into the queue, with their timestamps. On overflow, entries in quarantine come
   * first, then the oldest queued entries that are not being uploaded, or those that `thin()` chooses. Of more than 1,000
   * entries on overflow or expiry, each thousand has an event of its own.
   */
  readonly entries: readonly Entry[];
  /**
   * `Bad request: <the server's message, or the status>`; on overflow the limit that was reached, such as
   * `maxQueuedEntries (1000) is reached`; of expired entries `maxAge (3600 s) is exceeded`.
   */
  readonly message: string;
  /** The HTTP status, 401 or 403, of `'unauthorized'`. */
  readonly status?: number;
}

/** Entries were quarantined, as the server refuses them, or requests with them failed while other requests passed. */
export interface QuarantineEvent {
  /** The entries; `restore()` puts them back into the queue, with their timestamps; `dropQuarantined()` removes them. */
  readonly entries: readonly QuarantinedEntry[];
  /** The HTTP status; 0 if there was no response. */
  readonly status: number;
  /** `Bad request: <the server's message, or the status>`, or `Bad luck: <the failure>` */
  readonly message: string;
}

/** Entries or staged values left behind by an earlier run, or by another tab or process that ended, were adopted. */
export interface AdoptEvent {
  /** The number of adopted entries, quarantined entries included. */
  readonly entries: number;
  /** The number of adopted entries that are in quarantine. */
  readonly quarantined: number;
  /** The number of adopted staged values. */
  readonly staged: number;
}

/** The importance of a log line, as the method of a logger that takes it. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** All events, with the level of their log lines. */
export const EVENT_LEVELS: Readonly<Record<keyof Events, LogLevel>> = {
  commit: 'debug',
  push: 'info',
  retry: 'warn',
  discard: 'warn',
  quarantine: 'warn',
  adopt: 'info',
  warning: 'warn',
  error: 'error',
  'read-error': 'warn',
  request: 'debug',
};

/** @throws {@link ConfigException} unless `name` is the name of an event. */
export function checkEventName(name: unknown): asserts name is keyof Events {
  if (typeof name === 'string' && Object.hasOwn(EVENT_LEVELS, name)) return;
  throw new ConfigException(`${show(name)} is not an event; the events are ${Object.keys(EVENT_LEVELS).join(', ')}`);
}

/** @throws {@link ConfigException} unless `listener` is a function. */
export function checkListener(listener: unknown): void {
  if (typeof listener !== 'function') throw new ConfigException(`a listener must be a function, got ${show(listener)}`);
}
