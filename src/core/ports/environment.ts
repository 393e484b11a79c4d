/**
 * A change of the page or process that an `Api` lives in: the network came or went; the page is shown, is hidden, or is being
 * left; the process has nothing more to do.
 *
 * @group Types of the platform and of other libraries
 */
export type LifecycleEvent = 'online' | 'offline' | 'visible' | 'hidden' | 'pagehide' | 'before-exit';

/**
 * The host of a program where the platform has no `window`, such as an app: see the option `environment` of an `Api`.
 *
 * @group Types of the platform and of other libraries
 */
export interface HostEnvironment {
  /** Whether the platform reports a network connection: a hint that can be wrong; `true` if the platform can't report it. */
  readonly isOnline: boolean;
  /** Whether the page or app is hidden; `false` if the platform can't report it. */
  readonly isHidden: boolean;
  /** Calls `listener` for each event from now on, in the task of the event. @returns A function that stops listening. */
  subscribe(listener: (event: LifecycleEvent) => void): () => void;
}

/** Port: the page or process that an `Api` lives in. */
export interface Environment extends HostEnvironment {
  /** Whether each request to this program may wait only for its own I/O, as in a worker runtime. Default: `false`. */
  readonly isolatesRequests?: boolean;
  /** The bytes that all `Api`s of the page may have in flight with `keepalive`. */
  readonly keepalive: ByteBudget;
  /** The uploads of all `Api`s of the page or process. */
  readonly uploads: Uploads;
  /** Whether the environment names a proxy for https that the platform's `fetch` does not use. Default: `false`. */
  readonly ignoresProxy?: boolean;
  /** Whether the page or process asks for log lines of every `Api`. Default: `false`. */
  readonly isDebugging?: boolean;
  /** Shows a line to the developer: on the console of a page, on stderr of a process. */
  print?(line: string): void;
  /** Shows the first message of a kind, each once per page or process, as a warning. */
  warn?(kind: string, message: string): void;
  /** Counts the unpushed entries in memory, of which a process that ends gives notice. */
  countInMemory?(change: number): void;
}

/** A number of bytes that is shared. */
export interface ByteBudget {
  readonly bytesLeft: number;
  /** @returns A function that returns the bytes to the budget. Idempotent. */
  reserve(bytes: number): () => void;
}

/** Holds at most one slot. */
export interface UploadSlot {
  /**
   * Acquires a slot, unless a slot is already held.
   *
   * @returns A promise that resolves when the slot is held or was released meanwhile; `undefined` if it is held at once.
   */
  take(): Promise<void> | undefined;
  /** Passes the slot on to a waiting upload, or stops waiting for a slot. Idempotent. */
  release(): void;
}

/** Limits the number of uploads under way; a server without an upload under way never waits. */
export interface Uploads {
  /** @param server - The base URL that the uploads go to. @returns A slot that is not held yet. */
  open(server: string): UploadSlot;
}
