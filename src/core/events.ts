import type { Entry, QuarantinedEntry } from './entry.js';
import type { PushException } from './exceptions.js';

/** Something that is not as it should be, though nothing failed. Also kept in `status().warnings`. */
export interface Warning {
  /** Which: stable, for programs. */
  readonly code:
    | 'insecure-url'
    | 'storage-unavailable'
    | 'entries-waiting'
    | 'unreadable-records'
    | 'storage-failed'
    | 'storage-cleared'
    | 'taken-over'
    | 'value-refused'
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
  /** Entries are about to be thrown away: the server refused the credentials. */
  discard: DiscardEvent;
  /** Entries are about to be dropped, as there is no room for newer ones (`overflow: 'drop-oldest'`). */
  drop: DropEvent;
  /** Entries that the server refuses were set aside, for the others to pass. */
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

/** Entries were set aside, as the server refuses them. */
export interface QuarantineEvent {
  /** `restore()` puts them back, with their times; `dropQuarantined()` forgets them. */
  readonly entries: readonly QuarantinedEntry[];
  /** The HTTP status: 400, 413 or 422. */
  readonly status: number;
  /** `Bad request: <the server's message, or the status>` */
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

/** The names of all events. */
export const EVENT_NAMES: readonly string[] = /* @__PURE__ */ Object.keys(NAMES);

export function isEventName(name: unknown): name is keyof Events {
  return typeof name === 'string' && Object.hasOwn(NAMES, name);
}

type Listener<Event> = (event: Event) => unknown;

/** Sends events to listeners. A listener that throws or rejects harms neither the sender nor the other listeners. */
export class Emitter {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();
  readonly #onFailure: (name: keyof Events) => void;

  /** @param onFailure - Told the name of the event whose listener threw. */
  constructor(onFailure: (name: keyof Events) => void) {
    this.#onFailure = onFailure;
  }

  /** @returns A function that takes the listener away again. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    // Wrapped, so that the same function added twice is called twice and each undo takes away its own.
    const own: Listener<Events[Name]> = (event) => listener(event);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(own));
    return () => void listeners.delete(own);
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) return;
    // A copy: one may be added or taken away meanwhile.
    for (const listener of [...listeners] as Listener<Events[Name]>[]) {
      callSafely(
        () => listener(event),
        () => this.#onFailure(name),
      );
    }
  }
}

/** Calls a listener of the user's. @param onFailure - Told that it threw or rejected. */
export function callSafely(listener: () => unknown, onFailure: () => void): void {
  try {
    const result = listener();
    // An async listener: its rejection would end a Node process.
    if (result instanceof Promise) result.catch(onFailure);
  } catch {
    onFailure();
  }
}
