/** A function like the platform's `fetch`; it is called with one `Request` and answers with a `Response`. */
export type Fetch = (request: never, init?: never) => PromiseLike<FetchResponse>;

/** The members of a `Response` that are used here, so that no platform's types are needed. */
export interface FetchResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The answer's headers, by name without regard to case. */
  readonly headers: {
    /** @returns `null` for a header that is not there. */
    get(name: string): string | null;
  };
}

/** The members of an `AbortSignal` that are used here, so that no platform's types are needed. */
export interface Signal {
  /** Whether it has aborted. */
  readonly aborted: boolean;
  /** Has `listener` called when it aborts. */
  addEventListener(type: 'abort', listener: () => void): void;
  /** Takes the same function away again. */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * Calls `listener` when `signal` aborts.
 *
 * @returns A function that stops listening.
 */
export function onAbort(signal: Signal | undefined, listener: () => void): () => void {
  signal?.addEventListener('abort', listener);
  return () => signal?.removeEventListener('abort', listener);
}

/** A signal of our own: the core knows no platform's. */
export class Abort implements Signal {
  readonly #listeners = new Set<() => void>();
  aborted = false;

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  abort(): void {
    this.aborted = true;
    for (const listener of this.#listeners) listener();
  }
}
