import { BACKGROUND, type Clock } from '../../../core/time/clock.js';
import { FailureDetector } from '../../shared/failure-detector.js';
import { lockName, type OrphanKeys } from '../records/keys.js';
import type { StorageQuota } from '../records/quota.js';
import {
  HeartbeatLease,
  isReleased,
  LEAVES_NOTHING,
  type PageLike,
  quietly,
  type ReleaseOptions,
} from './heartbeat-lease.js';
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
  /** Whether all writers are of one program, so that each lock and each change is seen at once. */
  readonly isOneProgram?: boolean;
  /** Whether the page is prerendered and not shown yet: until then lock requests and queries wait. */
  readonly isPrerendering?: boolean;
}

/** Holds an adopted writer: no other page adopts it until the release. */
export interface Lease {
  /** Present if the writer's page had no Web Locks. */
  readonly heartbeat: HeartbeatLease | undefined;
  /** Never throws. */
  release(options: ReleaseOptions): void;
}

/** Finds the dead writers of the origin, acquires their leases, and renews the heartbeats of one page's writer and its leases. */
export class LeaseManager {
  readonly #quota: StorageQuota;
  readonly #platform: WebPlatform;
  readonly #clock: Clock;
  readonly #heartbeats = new Set<HeartbeatLease>();
  readonly #detector = new FailureDetector();

  constructor(quota: StorageQuota, platform: WebPlatform, clock: Clock) {
    this.#quota = quota;
    this.#platform = platform;
    this.#clock = clock;
  }

  /** Opens a heartbeat, which is renewed until it is closed. @param by - The writer that renews it: `writer`, or its adopter. */
  openHeartbeat(writer: string, by: string): HeartbeatLease {
    const heartbeat = new HeartbeatLease(this.#quota, this.#platform.page, { writer, by });
    this.#heartbeats.add(heartbeat);
    return heartbeat;
  }

  /** Never throws. */
  closeHeartbeat(heartbeat: HeartbeatLease | undefined, options: ReleaseOptions): void {
    if (heartbeat === undefined) return;
    this.#heartbeats.delete(heartbeat);
    heartbeat.stop(options);
  }

  /** Renews all heartbeats that were started. */
  beat(): void {
    for (const heartbeat of this.#heartbeats) quietly(() => heartbeat.beat());
  }

  /** See {@link WebPlatform.isOneProgram}. */
  get isOneProgram(): boolean {
    return this.#platform.isOneProgram === true;
  }

  /** @returns The writers that hold no lock and have no heartbeat. */
  async findDead(writers: ReadonlyMap<string, OrphanKeys>): Promise<Set<string>> {
    const { locks } = this.#platform;
    const living = locks && (await namesOfLiving(locks));
    this.#detector.beginRound();
    const dead = new Set<string>();
    for (const [writer, { heartbeat }] of writers) {
      const isSilent = heartbeat !== undefined && this.#detector.isDead(writer, heartbeat, this.#clock.monotonic());
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
      const lease = await this.#hold(writer, heartbeat, own);
      if (lease !== undefined) acquired.set(writer, lease);
    }
    const hasHeartbeat = [...acquired.values()].some(({ heartbeat }) => heartbeat !== undefined);
    if (acquired.size > 0 && !this.isOneProgram) await this.wait(hasHeartbeat ? CONFIRM_MS : SETTLE_MS);
    for (const [writer, { heartbeat, release }] of acquired) {
      if (heartbeat === undefined || isOwn(heartbeat)) continue;
      // The writer is alive after all, or another page claimed it at the same time.
      release(LEAVES_NOTHING);
      acquired.delete(writer);
    }
    return acquired;
  }

  /** Waits, then renews all heartbeats: in a hidden page timers fire only once a minute. */
  async wait(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.setTimer(resolve, milliseconds, BACKGROUND));
    this.beat();
  }

  async #hold(writer: string, present: string | undefined, own: string): Promise<Lease | undefined> {
    const { locks } = this.#platform;
    const unlock = locks ? await tryLock(locks, lockName(writer)) : () => {};
    if (unlock === undefined) return undefined;
    const heartbeat = present === undefined ? undefined : this.openHeartbeat(writer, own);
    const release = (options: ReleaseOptions): void => {
      this.closeHeartbeat(heartbeat, options);
      unlock();
    };
    try {
      heartbeat?.start();
      return { heartbeat, release };
    } catch {
      release(LEAVES_NOTHING);
      return undefined;
    }
  }
}

const isOwn = (heartbeat: HeartbeatLease): boolean => quietly(() => heartbeat.state()) === 'own';
