import type { Entry, QuarantinedEntry } from './entry.js';
import { ConfigException } from './exceptions.js';
import { show } from './input.js';
import type { PushException } from './request-exceptions.js';

/** Something that is not as it should be, though nothing failed. Also kept in `status().warnings`. */
export interface Warning {
  /** Which: stable, for programs. */
  readonly code:
    | 'insecure-url'
    | 'storage-unavailable'
    | 'entries-waiting'
    | 'unreadable-records'
    | 'storage-failed'
    | 'unsafe-storage'
    | 'storage-cleared'
    | 'queue-long'
    | 'taken-over'
    | 'value-refused'
    | 'weak-ids'
    | 'listener-failed';
  /** What happened, to which data, and what to do. */
  readonly message: string;
}

/** The events of an `Api`, by name. Listeners are called synchronously. */
export interface Events {
  /** An entry was committed and saved. */
  commit: Entry;
  /** A push ended that the server stored entries of. */
  push: PushEvent;
  /** A push failed with bad luck or a refusal, and `autoPush` tries again. */
  retry: RetryEvent;
  /** Entries are about to be thrown away: the server refused the credentials, and their confirmation too. */
  discard: DiscardEvent;
  /** Entries are about to be dropped, as there is no room for newer ones (`overflow: 'drop-oldest'`). */
  drop: DropEvent;
  /** Entries that the server does not take were quarantined, so that the others pass. */
  quarantine: QuarantineEvent;
  /** What a dead run left was taken over. */
  adopt: AdoptEvent;
  /** Something is not as it should be. */
  warning: Warning;
  /** What a push by itself failed with. */
  error: PushException;
}

/** A push ended of which the server stored something. */
export interface PushEvent {
  /** How many entries the server stored. */
  readonly entries: number;
  /** How many requests it took. */
  readonly requests: number;
  /** How long it took, from its call to its end. */
  readonly milliseconds: number;
}

/** The result of a push. A call that joined a push under way gets the result of all of that push. */
export interface PushResult {
  /** The number of entries that the server stored. */
  readonly pushed: number;
  /** The number of requests; 0 if nothing was queued. */
  readonly requests: number;
}

/** A push failed, and `autoPush` tries again. */
export interface RetryEvent {
  /** When, in Unix seconds by the local clock. */
  readonly at: number;
  /** In how many seconds that is. */
  readonly seconds: number;
  /** Why: what the last try failed with. */
  readonly message: string;
  /** How many tries have failed in a row. */
  readonly attempt: number;
}

/** Entries are about to be thrown away, as the server refused the credentials. */
export interface DiscardEvent {
  /** `restore()` puts them back, with their times. */
  readonly entries: readonly Entry[];
  /** The HTTP status: 401 or 403. */
  readonly status: number;
  /** `Bad request: <the server's message, or the status>` */
  readonly message: string;
}

/** Entries are about to be dropped, as there is no room for newer ones. */
export interface DropEvent {
  /** What was in quarantine, then the oldest ones, of which none is being uploaded. */
  readonly entries: readonly Entry[];
  /** What was full. */
  readonly message: string;
}

/** Entries were quarantined, as the server does not take them. */
export interface QuarantineEvent {
  /** `restore()` puts them back, with their times; `dropQuarantined()` forgets them. */
  readonly entries: readonly QuarantinedEntry[];
  /** The HTTP status; 0 if no response came. */
  readonly status: number;
  /** `Bad request: <the server's message, or the status>`, or `Bad luck: <the failure>` */
  readonly message: string;
}

/** What an earlier run, or another that ended, left was taken over. */
export interface AdoptEvent {
  /** How many entries. */
  readonly entries: number;
  /** How many of those are in quarantine. */
  readonly quarantined: number;
  /** How many staged values. */
  readonly staged: number;
}

const NAMES: Readonly<Record<keyof Events, true>> = {
  commit: true,
  push: true,
  retry: true,
  discard: true,
  quarantine: true,
  drop: true,
  adopt: true,
  warning: true,
  error: true,
};

/** @throws {@link ConfigException} unless there is such an event. */
export function checkEventName(name: unknown): asserts name is keyof Events {
  if (typeof name === 'string' && Object.hasOwn(NAMES, name)) return;
  throw new ConfigException(`${show(name)} is not an event; the events are ${Object.keys(NAMES).join(', ')}`);
}

/** @throws {@link ConfigException} unless `listener` can be called. */
export function checkListener(listener: unknown): void {
  if (typeof listener !== 'function') throw new ConfigException(`a listener must be a function, got ${show(listener)}`);
}
