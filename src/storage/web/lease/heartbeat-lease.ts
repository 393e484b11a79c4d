import { heartbeatKey } from '../records/keys.js';
import type { StorageQuota } from '../records/quota.js';

/*
 * Where a page has no Web Locks (plain http), a key of each of its writers shows that they live. All values are of one
 * length, so that none ever needs more room than another:
 *
 *   :0000000000000007   its writer lives: the number changes every half a minute
 *   @k2m4x8q0v1000007   another presumed it dead and took over what it had saved; that one lives, and is told by the
 *                       first ten characters of its id. When nothing is left, this stays: for a writer that wakes up.
 *   -                   its page was left, or hidden for the back/forward cache, from which it may come back
 *   -k2m4x8q0v1         the one that took it over left, or let go of what it could not use
 */
const LENGTH = 17;
const ADOPTER_LENGTH = 10;

/** Whether somebody took the writer over that shows this. */
export const isClaimed = (heartbeat: string | undefined): boolean => heartbeat?.[0] === '@';

/** Whether the page of the writer that shows this was left: anybody may take it over at once. */
export const isReleased = (heartbeat: string): boolean => heartbeat[0] === '-';

/** The members of `window` that are used. */
export interface PageLike {
  addEventListener(type: 'pagehide' | 'pageshow', listener: () => void): void;
  removeEventListener(type: 'pagehide' | 'pageshow', listener: () => void): void;
}

/** The sign of life of one writer, given by itself or by the one that took it over. */
export class HeartbeatLease {
  readonly #quota: StorageQuota;
  readonly #writer: string;
  readonly #prefix: string;
  /** Another than its adopter's: a page that comes back must see that it was robbed meanwhile. */
  readonly #left: string;
  readonly #page: PageLike | undefined;
  #last: string | undefined;
  #beats = 0;

  /** @param by - Who gives it: the writer itself, or its adopter. */
  constructor(quota: StorageQuota, writer: string, by: string, page: PageLike | undefined) {
    this.#quota = quota;
    this.#writer = writer;
    this.#prefix = by === writer ? ':' : `@${by.slice(0, ADOPTER_LENGTH)}`;
    this.#left = `-${this.#prefix.slice(1)}`.padEnd(LENGTH);
    this.#page = page;
    this.#listen();
  }

  /** What became of its key since it was last written. */
  state(): 'own' | 'taken' | 'gone' {
    const heartbeat = this.#quota.storage.getItem(heartbeatKey(this.#writer));
    if (heartbeat === null) return 'gone';
    return heartbeat === this.#last ? 'own' : 'taken';
  }

  /** Gives the first sign, whatever the key says now: another than that, or nobody would see it. */
  start(): void {
    this.#listen();
    const shown = this.#quota.storage.getItem(heartbeatKey(this.#writer));
    const sign = this.#next;
    this.#set(sign === shown ? this.#next : sign);
  }

  get #next(): string {
    const count = String(++this.#beats).padStart(LENGTH - this.#prefix.length, '0');
    return this.#prefix + count.slice(this.#prefix.length - LENGTH);
  }

  /** Gives another sign; what was taken stays taken. */
  beat(): void {
    if (this.#last !== undefined && this.state() === 'own') this.start();
  }

  /** Gives a sign after the page was hidden: it lives after all. */
  revive(): void {
    if (this.#last === this.#left) this.beat();
  }

  /** Never throws. @param isLeaving - Whether something is left to be taken over at once. */
  stop(isLeaving: boolean): void {
    this.#page?.removeEventListener('pagehide', this.#hide);
    this.#page?.removeEventListener('pageshow', this.#show);
    if (isLeaving) this.#hide();
  }

  /** Again with each beat, as document.open() removes all listeners; one that is still there is not added twice. */
  #listen(): void {
    this.#page?.addEventListener('pagehide', this.#hide);
    this.#page?.addEventListener('pageshow', this.#show);
  }

  #leave(): void {
    if (this.#last !== undefined && this.state() === 'own') this.#set(this.#left);
  }

  #set(heartbeat: string): void {
    const key = heartbeatKey(this.#writer);
    this.#quota.set(this.#writer, key, heartbeat, this.#quota.storage.getItem(key)?.length);
    this.#last = heartbeat;
  }

  readonly #hide = (): void => quietly(() => this.#leave());
  readonly #show = (): void => quietly(() => this.revive());
}

/** Where the storage refuses, silence tells the same some minutes later. */
function quietly(run: () => void): void {
  try {
    run();
  } catch {
    // See above.
  }
}
