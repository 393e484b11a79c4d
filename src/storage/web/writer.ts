import { type Destination, encodeDestination } from '../../core/model/destination.js';
import type { StoredEntry } from '../../core/model/entry.js';
import type { Value } from '../../core/model/value.js';
import {
  type Adoption,
  type AdoptOptions,
  type OwnershipLoss,
  RECOVERY_INTERVAL_SECONDS,
  type SaveOptions,
  type Writer,
} from '../../core/ports/storage.js';
import type { Clock } from '../../core/time/clock.js';
import { randomId } from '../shared/random-id.js';
import { RangeSet } from '../shared/range-set.js';
import { nextRun } from '../shared/run-number.js';
import { type HeartbeatLease, LEAVES_NOTHING, type LeaseState } from './lease/heartbeat-lease.js';
import { LeaseManager, type WebPlatform } from './lease/lease.js';
import { holdLock, type Release } from './lease/lock-lease.js';
import { OrphanAdoption } from './orphan-adoption.js';
import {
  entryKey,
  findWriters,
  heartbeatKey,
  lockName,
  RUNS_KEY,
  readItem,
  stagedKey,
  writerKey,
} from './records/keys.js';
import type { StorageQuota } from './records/quota.js';
import { encodeRecord, encodeStaged, recordLength } from './records/record.js';

/** One run of one `Api` in a page. */
export class WebWriter implements Writer {
  readonly #quota: StorageQuota;
  readonly #platform: WebPlatform;
  readonly #destination: Destination;
  readonly #clock: Clock;
  readonly #leases: LeaseManager;
  readonly #adoption: OrphanAdoption;
  #id: string;
  #release: Release | undefined;
  /** Present without Web Locks, and in a prerendered page, where locks can't be requested yet. */
  #heartbeat: HeartbeatLease | undefined;
  #onLocked = (): void => {};
  /** Resolves when the lock is granted. */
  readonly #locked = new Promise<void>((resolve) => {
    this.#onLocked = resolve;
  });
  #saved = new RangeSet();
  /** Whether the destination of this writer, and its heartbeat if present, are written. */
  #isRegistered = false;
  #isClosed = false;
  #run: number | undefined;
  /** The length of the saved staged values; `undefined` if none are saved. */
  #staged: number | undefined;

  constructor(quota: StorageQuota, platform: WebPlatform, destination: Destination, clock: Clock) {
    this.#quota = quota;
    this.#platform = platform;
    this.#destination = destination;
    this.#clock = clock;
    this.#leases = new LeaseManager(quota, platform, clock);
    this.#adoption = new OrphanAdoption(quota, this.#leases, destination);
    this.#id = this.#takeId();
  }

  get id(): string {
    return this.#id;
  }

  check(): OwnershipLoss | undefined {
    // A push in progress may still call this: released entries must not be saved again.
    if (this.#isClosed) return undefined;
    try {
      const { claimed, isGone } = this.#adoption.reconcile();
      const state = this.#state();
      if (state === 'claimed' || claimed.length > 0) return this.#fence(claimed, state);
      return state === 'gone' || isGone ? this.#onCleared() : undefined;
    } catch {
      // Without access to the storage nothing is known; the entries in memory still have to be pushed.
      return undefined;
    }
  }

  save(entry: StoredEntry, { clearsStaged }: SaveOptions): void {
    if (clearsStaged) this.#removeStaged();
    this.#register();
    this.#quota.set(this.#id, entryKey(this.#id, entry.sequence), encodeRecord(entry));
    this.#saved.add(entry.sequence);
  }

  saveAgain(entries: readonly StoredEntry[]): void {
    if (this.#isClosed) return;
    for (const entry of entries) {
      const { writer, sequence } = entry;
      const key = entryKey(writer, sequence);
      if (writer === this.#id) this.#register();
      else {
        this.#bind(writer);
        this.#adoption.restoreHeartbeat(writer);
      }
      if (readItem(this.#quota.storage, key) === null) this.#quota.set(writer, key, encodeRecord(entry));
      if (writer === this.#id) this.#saved.add(sequence);
    }
  }

  remove(entries: readonly StoredEntry[]): void {
    try {
      for (const entry of entries) this.#remove(entry);
    } finally {
      this.#adoption.releaseEmptied();
    }
  }

  #remove(entry: StoredEntry): void {
    const { writer, sequence } = entry;
    const key = entryKey(writer, sequence);
    if (writer === this.#id) {
      if (!this.#saved.has(sequence)) return;
      // The record of a quarantined entry has its former length if the rejection could not be saved.
      if (entry.rejection) this.#quota.removeItem(writer, key);
      else this.#quota.remove(writer, key, recordLength(entry));
      this.#saved.delete(sequence);
    } else if (this.#adoption.has(entry)) {
      // Its key may have been deleted, and not be saved again yet.
      this.#quota.removeItem(writer, key);
      this.#adoption.removed(entry);
    }
  }

  quarantine(entries: readonly StoredEntry[]): void {
    for (const entry of entries) {
      const { writer, sequence } = entry;
      const key = entryKey(writer, sequence);
      const isHeld = writer === this.#id ? this.#saved.has(sequence) : this.#adoption.has(entry);
      const before = isHeld ? readItem(this.#quota.storage, key) : null;
      if (before !== null) this.#quota.set(writer, key, encodeRecord(entry), before.length);
    }
  }

  saveStaged(values: readonly Value[]): void {
    try {
      if (values.length === 0) {
        this.#removeStaged();
        return;
      }
      this.#run ??= this.#nextRun();
      this.#register();
      const text = encodeStaged(this.#run, values);
      this.#quota.set(this.#id, stagedKey(this.#id), text, this.#staged);
      this.#staged = text.length;
    } catch {
      // Best effort: only committed values are guaranteed to be saved.
    }
  }

  async adopt(options: AdoptOptions): Promise<Adoption> {
    this.#leases.beat();
    while (this.#isPrerendering && !this.#isClosed)
      await Promise.race([this.#locked, this.#leases.wait(RECOVERY_INTERVAL_SECONDS * 1000)]);
    return this.#adoption.adopt(options, () => this.#id);
  }

  close(): void {
    this.#isClosed = true;
    const leavesEntries = this.#saved.size > 0 || this.#staged !== undefined;
    try {
      this.#adoption.close();
      // The destination serves only adopters of entries.
      if (this.#isRegistered && !leavesEntries) this.#removeRegistration();
      this.#leases.closeHeartbeat(this.#heartbeat, { leavesEntries });
    } catch {
      // The next scan of any page removes the keys.
    }
    this.#quota.release(this.#id);
    this.#release?.();
  }

  /** Whether Web Locks exist, but can't be requested yet. */
  get #isPrerendering(): boolean {
    const { locks, isPrerendering = false } = this.#platform;
    return locks !== undefined && isPrerendering;
  }

  /** Draws a new id, and acquires its lease. */
  #takeId(): string {
    const id = randomId(this.#clock);
    const { locks } = this.#platform;
    this.#quota.add(id);
    this.#heartbeat = locks && !this.#isPrerendering ? undefined : this.#leases.openHeartbeat(id, id);
    this.#release = locks && holdLock(locks, lockName(id), () => id === this.#id && this.#onHeld());
    return id;
  }

  /** The lock was granted: it replaces the heartbeat as the proof of life. */
  #onHeld(): void {
    if (this.#isClosed) return;
    try {
      const state = this.#heartbeat?.state();
      // If the writer was fenced, its next check notices.
      if (state !== 'claimed') {
        if (state === 'own') this.#quota.removeItem(this.#id, heartbeatKey(this.#id));
        this.#leases.closeHeartbeat(this.#heartbeat, LEAVES_NOTHING);
        this.#heartbeat = undefined;
      }
    } catch {
      // The heartbeat continues in addition to the lock.
    }
    this.#onLocked();
  }

  #state(): LeaseState {
    if (this.#heartbeat) return this.#isRegistered ? this.#heartbeat.state() : 'own';
    // Clearing the storage deletes all destinations, but staging may have written the own destination again since.
    const [firstAdopted] = this.#adoption.writers;
    return this.#isOwnGone() || (firstAdopted !== undefined && !this.#isBound(firstAdopted)) ? 'gone' : 'own';
  }

  #isOwnGone(): boolean {
    if (!this.#isRegistered) return false;
    return this.#heartbeat ? this.#heartbeat.state() === 'gone' : !this.#isBound(this.#id);
  }

  #register(): void {
    if (!this.#isRegistered) {
      this.#bind(this.#id);
      this.#heartbeat?.start();
    }
    this.#isRegistered = true;
    this.#heartbeat?.revive();
  }

  #removeRegistration(): void {
    this.#quota.removeItem(this.#id, writerKey(this.#id));
    if (this.#heartbeat?.state() === 'own') this.#quota.removeItem(this.#id, heartbeatKey(this.#id));
  }

  /** The destination is written before the first key that needs it: a crash loses the latest changes first. */
  #bind(writer: string): void {
    if (!this.#isBound(writer)) this.#quota.set(writer, writerKey(writer), encodeDestination(this.#destination));
  }

  #isBound(writer: string): boolean {
    return readItem(this.#quota.storage, writerKey(writer)) !== null;
  }

  /** All keys were deleted; keys of this writer may have been written again since. */
  #onCleared(): OwnershipLoss {
    const { storage } = this.#quota;
    const writers = new Set([this.#id, ...this.#adoption.writers]);
    // Values may have been staged, and orphans adopted, since the deletion.
    const left = findWriters(storage, (writer) => writers.has(writer));
    for (const writer of writers) this.#quota.adopt(writer, left.get(writer)?.length ?? 0);
    if (this.#isOwnGone()) this.#resetOwn();
    this.#staged = readItem(storage, stagedKey(this.#id))?.length;
    return { kind: 'cleared' };
  }

  /** Another page presumed this page dead. @param adopted - The writers adopted here that the other page has adopted. */
  #fence(adopted: readonly string[], state: LeaseState): OwnershipLoss {
    const writers = new Set(adopted);
    if (state !== 'claimed') return { kind: 'fenced', writers, isStagedFenced: false };
    const { storage } = this.#quota;
    writers.add(this.#id);
    const isStagedFenced =
      this.#staged !== undefined && (readItem(storage, stagedKey(this.#id)) === null || !this.#clearStaged());
    this.#leases.closeHeartbeat(this.#heartbeat, LEAVES_NOTHING);
    this.#release?.();
    this.#quota.release(this.#id);
    this.#id = this.#takeId();
    this.#resetOwn();
    return { kind: 'fenced', writers, isStagedFenced };
  }

  /**
   * Removes the saved staged values, which are still staged here, so that no other page stages them too.
   *
   * @returns Whether they could be removed.
   */
  #clearStaged(): boolean {
    try {
      this.#quota.removeItem(this.#id, stagedKey(this.#id));
      return true;
    } catch {
      return false;
    }
  }

  #resetOwn(): void {
    this.#saved = new RangeSet();
    this.#isRegistered = false;
    this.#staged = undefined;
  }

  #removeStaged(): void {
    if (this.#staged !== undefined) this.#quota.remove(this.#id, stagedKey(this.#id), this.#staged);
    this.#staged = undefined;
  }

  #nextRun(): number {
    const { storage } = this.#quota;
    const next = nextRun(readItem(storage, RUNS_KEY));
    storage.setItem(RUNS_KEY, String(next));
    return next;
  }
}
