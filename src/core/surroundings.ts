import type { UploadSlots } from './upload-slots.js';

/**
 * What becomes of the page or process that an `Api` lives in: the network came or went; the page is shown, is hidden, or is
 * being left; the process has nothing more to do.
 */
export type Turn = 'online' | 'offline' | 'shown' | 'hidden' | 'leaving' | 'idle';

/** What an `Api` can know of the page or process that it lives in. */
export interface Surroundings {
  /** Whether the platform believes that there is a network: a hint that can be wrong; `true` where it has no idea. */
  readonly isOnline: boolean;
  /** Whether the page can't be seen. */
  readonly isHidden: boolean;
  /** What may still be sent with `keepalive`, by all `Api`s of the page. */
  readonly keepalive: { bytesLeft: number };
  /** How many uploads may be under way, by all `Api`s of the page or process. */
  readonly uploads: UploadSlots;
  /** Tells of each turn from now on, at once when it is taken. @returns What stops the telling. */
  watch(tell: (turn: Turn) => void): () => void;
}
