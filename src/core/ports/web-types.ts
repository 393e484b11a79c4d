/**
 * A function like the platform's `fetch`, such as another library's or one that adds what a proxy needs. It is called with a
 * URL and plain options, never with a `Request`, which another library's `fetch` would refuse.
 *
 * @example `fetch: (url, init) => undici.fetch(url, { ...init, dispatcher })`
 */
export type Fetch = (url: string, init: FetchInit) => PromiseLike<FetchResponse>;

/** The options that a {@link Fetch} is called with. */
export interface FetchInit {
  readonly method: 'GET' | 'POST';
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON of an upload. */
  readonly body?: string;
  /** A redirect is not followed, as the API key would go along. */
  readonly redirect: 'manual';
  /** Whether the request is to outlive the page. */
  readonly keepalive?: boolean;
  /** Of reads in a page: they don't come from the browser's HTTP cache. */
  readonly cache?: 'no-store';
  /** In a page: its address, the query with it, is not sent along. */
  readonly referrerPolicy?: 'no-referrer';
  /** The platform's `AbortSignal`. A `fetch` that ignores it is given up all the same. */
  // biome-ignore lint/suspicious/noExplicitAny: each library has a type of its own for it.
  readonly signal?: any;
}

/** The members of a `Response` that are used here, so that no platform's types are needed. */
export interface FetchResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The answer's headers, by name without regard to case. */
  readonly headers: {
    /** @returns `null` for a header that is not there. */
    get(name: string): string | null;
  };
  /** A stream of the platform's or of Node's, which is read in place of {@link FetchResponse.text}; `null` for an empty body. */
  readonly body?: unknown;
  /** Whether a redirect was followed, in spite of the options. */
  readonly redirected?: boolean;
  /** The body as text; called where `body` is not a stream. */
  text(): PromiseLike<string>;
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

/** The listeners of a signal of the caller's, and the function that stands for all of them at the signal. */
interface Abortion {
  readonly listeners: Set<() => void>;
  readonly emit: () => void;
}

const abortions = /* @__PURE__ */ new WeakMap<Signal, Abortion>();

function abortionOf(signal: Signal): Abortion {
  const known = abortions.get(signal);
  if (known !== undefined) return known;
  const listeners = new Set<() => void>();
  const emit = (): void => {
    for (const listener of [...listeners]) listener();
  };
  abortions.set(signal, { listeners, emit });
  return { listeners, emit };
}

/**
 * Calls `listener` when `signal` aborts. However many calls share a signal, it has one listener: Node warns of a leak above
 * ten.
 *
 * @returns A function that stops listening.
 */
export function onAbort(signal: Signal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  const { listeners, emit } = abortionOf(signal);
  const own = (): void => listener();
  if (listeners.size === 0) signal.addEventListener('abort', emit);
  listeners.add(own);
  return () => {
    if (listeners.delete(own) && listeners.size === 0) signal.removeEventListener('abort', emit);
  };
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
