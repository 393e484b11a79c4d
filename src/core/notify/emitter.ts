import type { QueuedEntry } from '../model/entry.js';
import type { Events, PushResult } from '../model/events.js';
import type { PushException } from '../model/request-exceptions.js';
import type { LifecycleEvent } from '../ports/environment.js';
import type { Outcome } from '../time/retry-policy.js';

/** The internal and public events of a client. Users can listen only to the public events. */
export interface News extends Events {
  /** The staged values changed. */
  staged: undefined;
  /** Entries were queued. */
  enqueued: undefined;
  /** An urgent entry was queued. */
  urgent: undefined;
  /** Entries left the outbox, for any reason; the list may include entries that had left before. */
  removed: readonly QueuedEntry[];
  /** Another run has adopted entries or staged values that this run had saved. */
  fenced: { readonly entries: number; readonly isStagedFenced: boolean };
  /** The user or the host page deleted saved entries. */
  cleared: undefined;
  'push-started': undefined;
  'push-ended': PushEnd;
  /** A push ended without a response. */
  'push-aborted': undefined;
  /** Everything automatic was put on hold, or goes on. */
  held: undefined;
  /** The time of the next automatic push or poll changed. */
  planned: undefined;
  /** The page or process has changed. */
  lifecycle: LifecycleEvent;
  /** Listeners of the status came or went. */
  watched: undefined;
  /** A listener threw. */
  'listener-failed': ListenerFailure;
}

/** The failure of a listener. */
export interface ListenerFailure {
  /** `the event "<name>"` or `subscribe()`. */
  readonly source: string;
  /** Anything that was thrown. */
  readonly error: unknown;
}

/** The end of a push. */
export interface PushEnd {
  readonly result: PushResult;
  /** Absent if the push stored all its entries. */
  readonly failure: PushFailure | undefined;
}

/** The failure of a push. */
export interface PushFailure {
  readonly exception: PushException;
  readonly kind: Outcome['kind'];
  /** Whether the push tried all its entries, instead of ending early. */
  readonly isThrough?: boolean;
  /** Whether only entries with strikes failed. */
  readonly isOnlyOfStruck?: boolean;
}

type Silent = { [Name in keyof News]: News[Name] extends undefined ? Name : never }[keyof News];

/** The internal subscribers of each event, in the order in which they run. Each updates one part of the client. */
export type Subscribers<Parts> = {
  readonly [Name in keyof News]?: readonly ((parts: Parts, news: News[Name]) => unknown)[];
};

type Subscriber = (parts: unknown, news: unknown) => unknown;
type Listening = { [Name in keyof News]?: Listeners<News[Name]> };
type Pending = { [Name in keyof News]: readonly [Name, News[Name]] }[keyof News];

/**
 * Emits the events of a client. Internal subscribers run at once. Listeners of public events run last, when the operation
 * that caused the events is complete: a listener that commits or pushes never sees a half-updated client.
 */
export class Emitter {
  #parts: unknown;
  /** One table for all clients: a gateway has thousands of them. */
  #subscribers: Subscribers<never> = {};
  /** Absent before the first listener. */
  #listeners: Listening | undefined;
  /** The public events that wait for the end of the operation. */
  #pending: Pending[] = [];
  /** The number of nested operations in progress. */
  #depth = 0;

  /** Subscribes all parts, once. */
  connect<Parts>(parts: Parts, subscribers: Subscribers<Parts>): void {
    this.#parts = parts;
    this.#subscribers = subscribers;
  }

  /** Adds a listener, which runs when the operation is complete. @returns A function that removes it. */
  on<Name extends keyof News>(name: Name, listener: (event: News[Name]) => unknown): () => void {
    // Without a prototype, which a script may have changed.
    this.#listeners ??= Object.create(null) as Listening;
    const listeners: Listeners<News[Name]> = this.#listeners[name] ?? new Listeners();
    this.#listeners[name] = listeners as Listening[Name];
    return listeners.add(listener);
  }

  /** Whether a listener is added now. */
  hasListener(name: keyof News): boolean {
    return (this.#listeners?.[name]?.size ?? 0) > 0;
  }

  emit(name: Silent): void;
  emit<Name extends keyof News>(name: Name, news: News[Name]): void;
  emit<Name extends keyof News>(name: Name, news?: News[Name]): void {
    const subscribers = this.#subscribers[name] as readonly Subscriber[] | undefined;
    this.begin();
    try {
      if (subscribers !== undefined) for (const notify of subscribers) notify(this.#parts, news);
      if (this.#listeners?.[name]) this.#pending.push([name, news] as unknown as Pending);
    } finally {
      this.complete();
    }
  }

  /** Runs an operation that may emit several times: its public events are sent when it is complete. */
  operation<Result>(run: () => Result): Result {
    this.begin();
    try {
      return run();
    } finally {
      this.complete();
    }
  }

  /** Begins an operation, which ends with {@link Emitter.complete} whether it succeeds or not. */
  begin(): void {
    this.#depth += 1;
  }

  /** Sends the pending public events at once, before their entries are removed. All parts must be consistent. */
  flush(): void {
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift())
      this.#send(next[0], next[1]);
  }

  /** Ends an operation. */
  complete(): void {
    this.#depth -= 1;
    if (this.#depth === 0 && this.#pending.length > 0) this.flush();
  }

  #send(name: keyof News, event: unknown): void {
    const listeners = this.#listeners?.[name] as Listeners<unknown> | undefined;
    listeners?.emit(event, (error) => this.emit('listener-failed', { source: `the event "${name}"`, error }));
  }
}

/** Callbacks of the user. A callback that throws or rejects affects nothing else. */
export class Listeners<Event = void> {
  readonly #all = new Set<(event: Event) => unknown>();

  get size(): number {
    return this.#all.size;
  }

  /** Adds a listener. @returns A function that removes it. */
  add(listener: (event: Event) => unknown): () => void {
    // Wrapped, so that a function that was added twice is called twice and can be removed once.
    const own = (event: Event): unknown => listener(event);
    this.#all.add(own);
    return () => void this.#all.delete(own);
  }

  /** @param onFailure - Called for each listener that throws or rejects. */
  emit(event: Event, onFailure: (error: unknown) => void): void {
    // A copy, as listeners may be added or removed meanwhile.
    for (const listener of [...this.#all]) {
      try {
        ignoreRejection(listener(event), onFailure);
      } catch (error) {
        onFailure(error);
      }
    }
  }
}

/**
 * Handles the rejection of an async listener, which would end a Node process. It may be a promise of another realm or
 * library.
 */
function ignoreRejection(result: unknown, onFailure: (error: unknown) => void): void {
  const { then } = Object(result) as { then?: unknown };
  if (typeof then === 'function') then.call(result, undefined, onFailure);
}
