/**
 * A change of the page or process that an `Api` lives in: the network came or went; the page is shown, is hidden, or is being
 * left; the process has nothing more to do.
 */
export type LifecycleEvent = 'online' | 'offline' | 'visible' | 'hidden' | 'pagehide' | 'before-exit';

/** Port: the page or process that an `Api` lives in. */
export interface Environment {
  /** Whether the platform believes that there is a network: a hint that can be wrong; `true` where it has no idea. */
  readonly isOnline: boolean;
  /** Whether the page can't be seen. */
  readonly isHidden: boolean;
  /**
   * Whether each request to this program may wait only for its own I/O, as in a worker runtime. Default: `false`.
   */
  readonly isolatesRequests?: boolean;
  /** The bytes that all `Api`s of the page may have in flight with `keepalive`. */
  readonly keepalive: ByteBudget;
  /** The uploads of all `Api`s of the page or process. */
  readonly uploads: Uploads;
  /** Shows a message to the developer, once a page or process. */
  warn?(message: string): void;
  /** Calls `listener` for each event from now on, in the task of the event. @returns A function that stops listening. */
  subscribe(listener: (event: LifecycleEvent) => void): () => void;
}

/** A number of bytes that is shared. */
export interface ByteBudget {
  readonly bytesLeft: number;
  /** @returns A function that gives the bytes back; calling it twice is harmless. */
  reserve(bytes: number): () => void;
}

/** One slot at a time. */
export interface UploadSlot {
  /**
   * Takes a slot, unless one is held already.
   *
   * @returns A promise that resolves when it is held, or was given up meanwhile; `undefined` if it is held at once.
   */
  take(): Promise<void> | undefined;
  /** Gives the slot to an upload that waits, or stops waiting for one. Harmless where neither applies. */
  release(): void;
}

/** Limits the number of uploads under way; a server with none under way never waits. */
export interface Uploads {
  /** @param server - Where the uploads go. @returns A slot that is not taken yet. */
  open(server: string): UploadSlot;
}
