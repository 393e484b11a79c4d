/**
 * A function like the platform's `fetch`, such as the `fetch` of another library, or a wrapper that uses a proxy. It is called
 * with a URL and plain options, never with a `Request`, which the `fetch` of another library would refuse.
 *
 * @example `fetch: (url, init) => undici.fetch(url, { ...init, dispatcher })`
 *
 * @group Types of the platform and of other libraries
 */
export type FetchLike = (url: string, init: FetchInit) => PromiseLike<ResponseLike>;

/**
 * The options that a {@link FetchLike} is called with.
 *
 * @group Types of the platform and of other libraries
 */
export interface FetchInit {
  /** The HTTP method. */
  readonly method: 'GET' | 'POST';
  /** Header values by name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON of an upload, or its bytes if compressed (option `compression`); absent in a read. */
  // `Uint8Array<ArrayBuffer>` in a form that TypeScript before 5.7 reads too.
  readonly body?: string | ReturnType<Uint8ArrayConstructor['from']>;
  /** Redirects are not followed, as the new address would receive the API key. */
  readonly redirect: 'manual';
  /** Whether the request is to outlive the page. Default: `false`. */
  readonly keepalive?: boolean;
  /** Set for reads in a page, so that they bypass the HTTP cache of the browser. */
  readonly cache?: 'no-store';
  /** Set in a page, so that its address is not sent as the referrer. */
  readonly referrerPolicy?: 'no-referrer';
  /** The platform's `AbortSignal`. The call ends on abort even if `fetch` ignores the signal. */
  // biome-ignore lint/suspicious/noExplicitAny: each library has its own type of a signal.
  readonly signal?: any;
}

/**
 * The members of a `Response` that are used here, so that no platform's types are needed.
 *
 * @group Types of the platform and of other libraries
 */
export interface ResponseLike {
  /** The HTTP status. */
  readonly status: number;
  /** The response headers; names are case-insensitive. */
  readonly headers: {
    /** @returns `null` if there is no such header. */
    get(name: string): string | null;
  };
  /** A web or Node stream, which is read in place of {@link ResponseLike.text}; `null` for an empty body. */
  readonly body?: unknown;
  /** Whether a redirect was followed, against the options. Default: `false`. */
  readonly redirected?: boolean;
  /** Reads the body as text; called only if `body` is not a stream. */
  text(): PromiseLike<string>;
}

/**
 * The members of an `AbortSignal` that are used here, so that no platform's types are needed.
 *
 * @group Types of the platform and of other libraries
 */
export interface AbortSignalLike {
  /** Whether the signal has aborted. */
  readonly aborted: boolean;
  /** Adds a listener to be called on abort. */
  addEventListener(type: 'abort', listener: () => void): void;
  /** Removes a listener. */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** The listeners of one signal, and the function that is registered at the signal and calls them all. */
interface SharedListener {
  readonly listeners: Set<() => void>;
  readonly emit: () => void;
}

const sharedListeners = /* @__PURE__ */ new WeakMap<AbortSignalLike, SharedListener>();

function sharedListenerOf(signal: AbortSignalLike): SharedListener {
  const known = sharedListeners.get(signal);
  if (known !== undefined) return known;
  const listeners = new Set<() => void>();
  const emit = (): void => {
    for (const listener of [...listeners]) listener();
  };
  sharedListeners.set(signal, { listeners, emit });
  return { listeners, emit };
}

/**
 * Calls `listener` when `signal` aborts. All calls with the same signal share one listener at the signal, as Node warns of a
 * leak above ten.
 *
 * @returns A function that stops listening.
 */
export function onAbort(signal: AbortSignalLike | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  const { listeners, emit } = sharedListenerOf(signal);
  const own = (): void => listener();
  if (listeners.size === 0) signal.addEventListener('abort', emit);
  listeners.add(own);
  return () => {
    if (listeners.delete(own) && listeners.size === 0) signal.removeEventListener('abort', emit);
  };
}

/** A signal and its controller in one, as the core must not depend on the `AbortController` of a platform. */
export class CoreAbortSignal implements AbortSignalLike {
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
