import type { Clock } from '../../../core/time/clock.js';
import { FailureDetector } from '../../shared/failure-detector.js';
import { lockName, type OrphanKeys } from '../records/keys.js';
import type { StorageQuota } from '../records/quota.js';
import { HeartbeatLease, isReleased, type PageLike } from './heartbeat-lease.js';
import { type LocksLike, namesOfLiving, tryLock } from './lock-lease.js';

/** A lock may be freed before another tab sees the last changes of its tab; after 20 ms, none of 150 changes was missing. */
const SETTLE_MS = 100;
/** Two pages without locks may claim a writer at the same time: after this time both see whose heartbeat its key has. */
const CONFIRM_MS = 1000;

/** The parts of a page that are used besides its `localStorage`. */
export interface WebPlatform {
  /** Absent on plain http. */
  readonly locks?: LocksLike | undefined;
  /** The `window`, for its events `pagehide` and `pageshow`. */
  readonly page?: PageLike | undefined;
  /** Whether the page is prerendered and not shown yet: until then lock requests and queries wait. */
  readonly isPrerendering?: boolean;
}

/** Holds an adopted writer: no other page adopts it until the release. */
export interface Lease {
  /** Present if the writer's page had no Web Locks. */
  readonly heartbeat: HeartbeatLease | undefined;
  /** Never throws. @param isLeaving - Whether entries are left for others to adopt. */
  release(isLeaving: boolean): void;
}

/** Finds the dead writers of the origin, and acquires their leases. */
export class LeaseManager {
  readonly #quota: StorageQuota;
  readonly #platform: WebPlatform;
  readonly #clock: Clock;
  readonly #onWaited: () => void;
  readonly #silence = new FailureDetector();

  /** @param onWaited - Renews the heartbeats after each wait. */
  constructor(quota: StorageQuota, platform: WebPlatform, clock: Clock, onWaited: () => void) {
    this.#onWaited = onWaited;
    this.#quota = quota;
    this.#platform = platform;
    this.#clock = clock;
  }

  /** @returns The writers that hold no lock and have no heartbeat. */
  async findDead(writers: ReadonlyMap<string, OrphanKeys>): Promise<Set<string>> {
    const { locks } = this.#platform;
    const living = locks && (await namesOfLiving(locks));
    this.#silence.beginRound();
    const dead = new Set<string>();
    for (const [writer, { heartbeat }] of writers) {
      const isSilent = heartbeat !== undefined && this.#silence.isDead(writer, heartbeat, this.#clock.monotonic());
      if (living?.has(lockName(writer))) continue;
      // A writer without a heartbeat has or had a lock, which a page without Web Locks can't see.
      const isDead = heartbeat === undefined ? living !== undefined : isReleased(heartbeat) || isSilent;
      if (isDead) dead.add(writer);
    }
    return dead;
  }

  /**
   * Acquires the leases of dead writers.
   *
   * @param own - The id of the adopter.
   * @returns The leases that could be acquired, by writer.
   */
  async acquire(writers: ReadonlyMap<string, OrphanKeys>, own: string): Promise<Map<string, Lease>> {
    const acquired = new Map<string, Lease>();
    for (const [writer, { heartbeat }] of writers) {
      const lease = await this.#hold(writer, heartbeat !== undefined, own);
      if (lease !== undefined) acquired.set(writer, lease);
    }
    const hasHeartbeat = [...acquired.values()].some(({ heartbeat }) => heartbeat !== undefined);
    if (acquired.size > 0) await this.wait(hasHeartbeat ? CONFIRM_MS : SETTLE_MS);
    for (const [writer, { heartbeat, release }] of acquired) {
      if (heartbeat === undefined || isOwn(heartbeat)) continue;
      // The writer is alive after all, or another page claimed it at the same time.
      release(false);
      acquired.delete(writer);
    }
    return acquired;
  }

  /** Waits, then renews all heartbeats: in a hidden page timers fire only once a minute. */
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
