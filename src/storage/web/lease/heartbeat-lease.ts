import { heartbeatKey, readItem } from '../records/keys.js';
import type { StorageQuota } from '../records/quota.js';

/*
 * In a page without Web Locks (plain http), each writer has a key whose value is its heartbeat. All values have the same length,
 * so that a change never needs more quota:
 *
 *   :0000000000000007   the writer is alive: the number changes every 30 s
 *   @k2m4x8q0v1000007   another writer presumed it dead and adopted its entries; the adopter is alive, and these ten
 *                       characters begin its id. This tombstone stays when no entry is left, for a page that wakes up.
 *   -                   the page was left, or is hidden in the back/forward cache, from which it may come back
 *   -k2m4x8q0v1         the adopter left, or released an orphan that it could not adopt
 */
const LENGTH = 17;
const ADOPTER_LENGTH = 10;

/** Whether the writer with this heartbeat was adopted. */
export const isClaimed = (heartbeat: string | undefined): boolean => heartbeat?.[0] === '@';

/** Whether the page of the writer with this heartbeat was left: the writer may be adopted at once. */
export const isReleased = (heartbeat: string): boolean => heartbeat[0] === '-';

/** The members of `window` that are used. */
export interface PageLike {
  addEventListener(type: 'pagehide' | 'pageshow', listener: () => void): void;
  removeEventListener(type: 'pagehide' | 'pageshow', listener: () => void): void;
}

/** Whether a writer still has its lease, another writer has claimed it, or its keys are gone. */
export type LeaseState = 'own' | 'claimed' | 'gone';

/** Options of the release of a writer. */
export interface ReleaseOptions {
  /** Whether entries or staged values are left, which others may adopt at once. */
  readonly leavesEntries: boolean;
}

export const LEAVES_ENTRIES: ReleaseOptions = { leavesEntries: true };
export const LEAVES_NOTHING: ReleaseOptions = { leavesEntries: false };

/** A writer, and the writer that renews its heartbeat: itself, or its adopter. */
interface Renewal {
  readonly writer: string;
  readonly by: string;
}

/** The heartbeat of one writer, renewed by the writer or by its adopter. */
export class HeartbeatLease {
  readonly #quota: StorageQuota;
  readonly #writer: string;
  readonly #prefix: string;
  /** Different for each adopter, so that a page that comes back notices that it was fenced. */
  readonly #left: string;
  readonly #page: PageLike | undefined;
  #last: string | undefined;
  #beats = 0;

  constructor(quota: StorageQuota, page: PageLike | undefined, { writer, by }: Renewal) {
    this.#quota = quota;
    this.#writer = writer;
    this.#prefix = by === writer ? ':' : `@${by.slice(0, ADOPTER_LENGTH)}`;
    this.#left = `-${this.#prefix.slice(1)}`.padEnd(LENGTH);
    this.#page = page;
    this.#listen();
  }

  /** Whether the key still has the value written last, has another value, or is gone. */
  state(): LeaseState {
    const heartbeat = readItem(this.#quota.storage, heartbeatKey(this.#writer));
    if (heartbeat === null) return 'gone';
    return heartbeat === this.#last ? 'own' : 'claimed';
  }

  /** Writes a heartbeat different from the present value, as observers notice only changes. */
  start(): void {
    this.#listen();
    const present = readItem(this.#quota.storage, heartbeatKey(this.#writer));
    const heartbeat = this.#next;
    this.#set(heartbeat === present ? this.#next : heartbeat);
  }

  get #next(): string {
    const count = String(++this.#beats).padStart(LENGTH - this.#prefix.length, '0');
    return this.#prefix + count.slice(this.#prefix.length - LENGTH);
  }

  /** Renews the heartbeat, unless another writer has claimed it. */
  beat(): void {
    if (this.#last !== undefined && this.state() === 'own') this.start();
  }

  /** Renews the heartbeat after the page was hidden and is shown again. */
  revive(): void {
    if (this.#last === this.#left) this.beat();
  }

  /** Never throws. */
  stop({ leavesEntries }: ReleaseOptions): void {
    this.#listen('removeEventListener');
    if (leavesEntries) this.#hide();
  }

  /** Called with each heartbeat, as `document.open()` removes all listeners; adding a listener twice has no effect. */
  #listen(how: keyof PageLike = 'addEventListener'): void {
    // A made-up page may refuse, or have no such method.
    quietly(() => {
      this.#page?.[how]('pagehide', this.#hide);
      this.#page?.[how]('pageshow', this.#show);
    });
  }

  #leave(): void {
    if (this.#last !== undefined && this.state() === 'own') this.#set(this.#left);
  }

  #set(heartbeat: string): void {
    const key = heartbeatKey(this.#writer);
    this.#quota.set(this.#writer, key, heartbeat, readItem(this.#quota.storage, key)?.length);
    this.#last = heartbeat;
  }

  readonly #hide = (): void => quietly(() => this.#leave());
  readonly #show = (): void => quietly(() => this.revive());
}

/** Ignores a refusal of the storage or page: a missing change of a heartbeat has the same effect three minutes later. */
export function quietly<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
