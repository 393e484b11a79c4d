/**
 * What becomes of the page or process that an `Api` lives in: the network came or went; the page is shown, is hidden, or is
 * being left; the process has nothing more to do.
 */
export type LifecycleEvent = 'online' | 'offline' | 'visible' | 'hidden' | 'pagehide' | 'before-exit';

/** What an `Api` can know of the page or process that it lives in. */
export interface Environment {
  /** Whether the platform believes that there is a network: a hint that can be wrong; `true` where it has no idea. */
  readonly isOnline: boolean;
  /** Whether the page can't be seen. */
  readonly isHidden: boolean;
  /**
   * Whether each request to this program may wait only for its own I/O, as in a worker runtime. Default: `false`.
   */
  readonly isolatesRequests?: boolean;
  /** What may still be sent with `keepalive`, by all `Api`s of the page. */
  readonly keepalive: { bytesLeft: number };
  /** How many uploads may be under way, by all `Api`s of the page or process. */
  readonly uploads: Uploads;
  /** Shows a warning where people look, even if no program listens: once a page or process. Default: nothing. */
  warn?(message: string): void;
  /** Tells of each turn from now on, at once when it is taken. @returns What stops the telling. */
  subscribe(tell: (turn: LifecycleEvent) => void): () => void;
}

/** One slot at a time. */
export interface UploadSlot {
  /**
   * Takes a slot, unless one is held already.
   *
   * @returns What resolves when it is held, or was given up meanwhile; `undefined` if it is held at once.
   */
  take(): Promise<void> | undefined;
  /** Gives the slot to an upload that waits, or stops waiting for one. Harmless where neither applies. */
  release(): void;
}

/** Limits how many uploads are under way at once; a server with none under way never waits. */
export interface Uploads {
  /** @param server - Where the uploads go. @returns A slot that is not taken yet. */
  open(server: string): UploadSlot;
}
