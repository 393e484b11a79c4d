import type { Clock } from '../../../core/time/clock.js';
import { FailureDetector } from '../../shared/failure-detector.js';
import { lockName, type OrphanKeys } from '../records/keys.js';
import type { StorageQuota } from '../records/quota.js';
import { HeartbeatLease, isReleased, type PageLike } from './heartbeat-lease.js';
import { type LocksLike, namesOfLiving, tryLock } from './lock-lease.js';

/** A lock reaches the next tab before the last changes of the one that had it do: with 20 ms, none of 150 was late. */
const SETTLE_MS = 100;
/** Where two pages without locks take one writer over at once, both see by then whose sign stands there. */
const CONFIRM_MS = 1000;

/** What a page has beside its `localStorage`. */
export interface WebPlatform {
  /** Absent on plain http. */
  readonly locks?: LocksLike | undefined;
  /** The `window`, which tells when the page is hidden and shown again. */
  readonly page?: PageLike | undefined;
  /** Whether the page is prerendered and not shown yet: until then its requests and queries of locks wait. */
  readonly isPrerendering?: boolean;
}

/** A writer that was taken over. */
export interface Lease {
  /** Shown to pages without locks, where the writer was one of theirs. */
  readonly heartbeat: HeartbeatLease | undefined;
  /** Never throws. @param isLeaving - Whether something is left of it, for others to take. */
  release(isLeaving: boolean): void;
}

/** Tells which writers of the origin are dead, and takes them so that no other does. */
export class LeaseManager {
  readonly #quota: StorageQuota;
  readonly #platform: WebPlatform;
  readonly #clock: Clock;
  readonly #onWaited: () => void;
  readonly #silence = new FailureDetector();

  /** @param onWaited - Gives a sign of life after each wait. */
  constructor(quota: StorageQuota, platform: WebPlatform, clock: Clock, onWaited: () => void) {
    this.#onWaited = onWaited;
    this.#quota = quota;
    this.#platform = platform;
    this.#clock = clock;
  }

  /** Those of the writers that give no sign of life. */
  async findDead(writers: ReadonlyMap<string, OrphanKeys>): Promise<Set<string>> {
    const { locks } = this.#platform;
    const living = locks && (await namesOfLiving(locks));
    this.#silence.beginRound();
    const dead = new Set<string>();
    for (const [writer, { heartbeat }] of writers) {
      const isSilent = heartbeat !== undefined && this.#silence.isDead(writer, heartbeat, this.#clock.monotonic());
      if (living?.has(lockName(writer))) continue;
      // One that shows nothing has, or had, a lock: whoever has none can't tell.
      const isDead = heartbeat === undefined ? living !== undefined : isReleased(heartbeat) || isSilent;
      if (isDead) dead.add(writer);
    }
    return dead;
  }

  /**
   * Takes dead writers.
   *
   * @param own - The adopter.
   * @returns Those that could be taken.
   */
  async take(writers: ReadonlyMap<string, OrphanKeys>, own: string): Promise<Map<string, Lease>> {
    const taken = new Map<string, Lease>();
    for (const [writer, { heartbeat }] of writers) {
      const lease = await this.#hold(writer, heartbeat !== undefined, own);
      if (lease !== undefined) taken.set(writer, lease);
    }
    const hasHeartbeat = [...taken.values()].some(({ heartbeat }) => heartbeat !== undefined);
    if (taken.size > 0) await this.wait(hasHeartbeat ? CONFIRM_MS : SETTLE_MS);
    for (const [writer, { heartbeat, release }] of taken) {
      if (heartbeat === undefined || isOwn(heartbeat)) continue;
      // It lives after all, or another was as fast.
      release(false);
      taken.delete(writer);
    }
    return taken;
  }

  /** Waits; in a hidden page, whose timers fire once a minute, that can take as long as others wait for a sign of life. */
  async wait(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.setTimer(resolve, milliseconds, true));
    this.#onWaited();
  }

  async #hold(writer: string, hasHeartbeat: boolean, own: string): Promise<Lease | undefined> {
    const { locks, page } = this.#platform;
    const unlock = locks ? await tryLock(locks, lockName(writer)) : () => {};
    if (unlock === undefined) return undefined;
    const heartbeat = hasHeartbeat ? new HeartbeatLease(this.#quota, writer, own, page) : undefined;
    const release = (isLeaving: boolean): void => {
      heartbeat?.stop(isLeaving);
      unlock();
    };
    try {
      heartbeat?.start();
      return { heartbeat, release };
    } catch {
      release(false);
      return undefined;
    }
  }
}

function isOwn(heartbeat: HeartbeatLease): boolean {
  try {
    return heartbeat.state() === 'own';
  } catch {
    return false;
  }
}
