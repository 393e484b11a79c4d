import {
  asAdopted,
  entryId,
  type QuarantinedEntry,
  type QueuedEntry,
  type Rejection,
  type StoredEntry,
} from '../model/entry.js';
import { isStorageException, StorageException } from '../model/exceptions.js';
import { describeError } from '../model/foreign-text.js';
import type { Emitter } from '../notify/emitter.js';
import type { FailedOperation } from '../notify/warnings.js';
import type { OwnershipLoss, Writer } from '../ports/storage.js';
import type { ClockEpoch } from '../time/clock-correction.js';
import { Capacity, type CapacityLimits, type Shortage } from './capacity.js';
import { EntryQueue } from './entry-queue.js';
import { Quarantine } from './quarantine.js';
import { StorageSync } from './storage-sync.js';

/** An entry that is not in the outbox yet. */
export interface Draft {
  readonly timestamp: number;
  /** The wire text of the values. */
  readonly values: string;
  /** The bytes of UTF-8 that `values` take. */
  readonly bytes: number;
  /** Present if `timestamp` is the present time. */
  readonly epoch?: ClockEpoch | undefined;
}

/** Entries that are being uploaded. They stay queued, and are not evicted before the checkout is released. */
export interface Checkout {
  readonly entries: readonly QueuedEntry[];
  /** Ends the checkout, then checks ownership. Idempotent. */
  release(): void;
}

/**
 * The committed entries, oldest first: adopted entries, then entries of this run by sequence number. The queue and the
 * quarantine together mirror the storage: an entry is saved before it is added, and removed from the storage when it leaves.
 *
 * Another run may adopt the saved entries while this run is frozen. So ownership is checked before entries are added or
 * checked out, and after entries left: see {@link Outbox.reconcile}.
 */
export class Outbox implements Iterable<QueuedEntry> {
  readonly quarantine = new Quarantine();
  readonly capacity: Capacity;
  readonly #queue = new EntryQueue();
  readonly #sync: StorageSync;
  readonly #emitter: Emitter;
  #shortage: Shortage | undefined;
  #checkouts: readonly Checkout[] = [];
  #sequence: number;
  #fencedCount = 0;

  /** @param config - `saves`: `false` keeps entries only in memory. */
  constructor(writer: Writer, emitter: Emitter, config: { readonly saves: boolean } & CapacityLimits) {
    this.#sync = new StorageSync(writer, { saves: config.saves, contents: [this, this.quarantine] });
    this.#emitter = emitter;
    this.capacity = new Capacity(config, this);
    this.#sequence = writer.lastSequence ?? 0;
  }

  /** The number of entries that other runs have adopted so far. */
  get fencedCount(): number {
    return this.#fencedCount;
  }

  get length(): number {
    return this.#queue.length;
  }

  /** The bytes of UTF-8 that all values take. */
  get bytes(): number {
    return this.#queue.bytes;
  }

  /** By how much the entries that were refused last exceeded the capacity; `undefined` if the storage refused them. */
  get shortage(): Shortage | undefined {
    return this.#shortage;
  }

  /** The sequence number of the last added entry; 0 if no entry was added. */
  get lastSequence(): number {
    return this.#sequence;
  }

  get hasCheckouts(): boolean {
    return this.#checkouts.length > 0;
  }

  isCheckedOut(entry: QueuedEntry): boolean {
    return this.#checkouts.some(({ entries }) => entries.includes(entry));
  }

  has(entry: QueuedEntry): boolean {
    return this.#queue.has(entry);
  }

  /** The oldest entries, at most `count`. */
  oldest(count: number): QueuedEntry[] {
    return this.#queue.oldest(count);
  }

  /** The entries up to a sequence number of this run, adopted entries included, oldest first. */
  upTo(sequence: number): Generator<QueuedEntry, void> {
    return this.#queue.upTo(sequence);
  }

  [Symbol.iterator](): Iterator<QueuedEntry, void> {
    return this.#queue[Symbol.iterator]();
  }

  /**
   * Removes entries that other runs have adopted, and saves deleted entries again.
   *
   * @returns Whether entries were adopted or deleted.
   */
  reconcile(): boolean {
    const loss = this.#sync.reconcile();
    if (loss === undefined) return false;
    if (loss.kind === 'fenced') this.#fence(loss);
    else this.#emitter.emit('cleared');
    this.#sync.retry();
    return true;
  }

  #fence({ writers, isStagedFenced }: Extract<OwnershipLoss, { kind: 'fenced' }>): void {
    const before = this.length + this.quarantine.size;
    const isLeft = (entry: QueuedEntry): boolean => !(writers.has(entry.writer) && this.#sync.isSaved(entry));
    const removed = [...this].filter((entry) => !isLeft(entry));
    this.#queue.retain(isLeft);
    this.quarantine.retain(isLeft);
    const entries = before - this.length - this.quarantine.size;
    this.#fencedCount += entries;
    this.#emitter.emit('removed', removed);
    this.#emitter.emit('fenced', { entries, isStagedFenced });
  }

  /**
   * Checks ownership, then adds entries. Adds them again if a write failed because saved entries were adopted or deleted: the
   * write may be the first to notice.
   *
   * @param input - Passed to `add`: a function that is made once, for all commits, makes no garbage.
   * @throws The exceptions of `add`.
   */
  whenOwned<Input, Result>(add: (input: Input) => Result, input: Input): Result {
    this.reconcile();
    try {
      return add(input);
    } catch (error) {
      if (!isStorageException(error) || !this.reconcile()) throw error;
      return add(input);
    }
  }

  /**
   * Saves a new entry and adds it at the end: see {@link Outbox.whenOwned}.
   *
   * @throws {@link StorageException} if it could not be saved; the queue is unchanged.
   */
  append(draft: Draft): QueuedEntry {
    if (!this.capacity.fits(draft.bytes)) throw this.#noCapacity('committed', [draft]);
    const entry = this.#add(draft, 'committed');
    this.#emitter.emit('enqueued');
    return entry;
  }

  /**
   * Adds restored entries at the end, as new entries with their timestamps.
   *
   * @param leaving - Their former ids: once all entries are saved, they leave the quarantine. They don't count as queued.
   * @throws {@link StorageException} if an entry could not be saved; then no entry is added.
   */
  requeue(drafts: readonly Draft[], leaving: readonly string[] = []): QueuedEntry[] {
    const entries = this.whenOwned(() => this.#requeue(drafts, leaving), undefined);
    this.removeQuarantined(leaving);
    if (entries.length > 0) this.#emitter.emit('enqueued');
    return entries;
  }

  #requeue(drafts: readonly Draft[], leaving: readonly string[]): QueuedEntry[] {
    const replaced = this.quarantine.find(leaving);
    const { entries, bytes } = this.capacity.shortage(drafts, replaced);
    if (entries > 0 || bytes > 0) throw this.#noCapacity('restored', drafts, replaced);
    const added: QueuedEntry[] = [];
    try {
      for (const draft of drafts) added.push(this.#add(draft, 'restored'));
      return added;
    } catch (error) {
      this.#remove(added);
      throw error;
    }
  }

  #add({ timestamp, values, bytes, epoch }: Draft, origin: 'committed' | 'restored'): QueuedEntry {
    // Increased even if saving fails: a torn record with this number may exist.
    this.#sequence += 1;
    const { writerId: writer } = this.#sync;
    const entry: QueuedEntry = { writer, sequence: this.#sequence, timestamp, values, bytes, origin, epoch };
    this.#save(entry, origin);
    this.#queue.push(entry);
    return entry;
  }

  /**
   * Adds entries of dead runs before entries of this run, as they are older. Quarantined entries stay in quarantine, unless their
   * rejection is retryable: the storage keeps such a rejection until the entry is removed or quarantined again.
   */
  adopt(entries: readonly StoredEntry[]): void {
    // Allocated at its final size: growing the array would take as much memory again.
    const adopted = new Array<QueuedEntry>(entries.length);
    let count = 0;
    for (const entry of entries) {
      const { rejection } = entry;
      const own = asAdopted(entry);
      if (rejection !== undefined && !rejection.retryable) this.quarantine.add({ ...own, rejection });
      else adopted[count++] = own;
    }
    adopted.length = count;
    this.#queue.insertAdopted(adopted);
    if (entries.length > 0) this.#emitter.emit('enqueued');
  }

  /** @returns `undefined` if other runs have adopted entries: then the entries have to be chosen anew. */
  checkOut(entries: readonly QueuedEntry[]): Checkout | undefined {
    const { fencedCount } = this;
    this.reconcile();
    if (this.fencedCount !== fencedCount || entries.length === 0) return undefined;
    const checkout: Checkout = { entries, release: () => this.#release(checkout) };
    this.#checkouts = [...this.#checkouts, checkout];
    return checkout;
  }

  #release(checkout: Checkout): void {
    if (!this.#checkouts.includes(checkout)) return;
    this.#checkouts = this.#checkouts.filter((other) => other !== checkout);
    this.reconcile();
  }

  /**
   * Removes entries: from memory at once, from the storage as soon as it can be written. Unknown entries are ignored.
   *
   * @returns The number of removed entries.
   */
  remove(entries: readonly QueuedEntry[]): number {
    const removed = this.#remove(entries);
    if (entries.length > 0) this.reconcile();
    return removed;
  }

  #remove(entries: readonly QueuedEntry[]): number {
    if (entries.length === 0) return 0;
    const { length } = this;
    // Fast path: eviction removes entries right behind the batch in flight.
    const hint = this.#checkouts.reduce((index, checkout) => index + checkout.entries.length, 0);
    this.#queue.remove(entries, hint);
    this.#sync.remove(entries);
    this.#emitter.emit('removed', entries);
    return length - this.length;
  }

  /** Removes all queued entries. */
  removeAll(): void {
    this.remove([...this]);
    // Also if nothing was queued: clears the last failure in the status.
    this.#emitter.emit('removed', []);
  }

  /** Moves an entry from the queue to the quarantine. @returns `undefined` if it is not queued any more. */
  moveToQuarantine(entry: QueuedEntry, rejection: Rejection): QuarantinedEntry | undefined {
    if (!this.has(entry)) return undefined;
    this.#queue.remove([entry], 0);
    const refused = { ...entry, rejection };
    // Added before the storage marks it, as the storage may save deleted entries again first, this entry included.
    const shown = this.quarantine.add(refused);
    this.#sync.quarantine([refused]);
    this.#emitter.emit('removed', [entry]);
    return shown;
  }

  /** Removes entries from the quarantine. @param ids - Unknown ids are ignored. @returns The number of removed entries. */
  removeQuarantined(ids: Iterable<string>): number {
    const removed = this.quarantine.remove(ids);
    if (removed.length === 0) return 0;
    this.#sync.remove(removed);
    this.#emitter.emit('removed', removed);
    return removed.length;
  }

  /** The entries that may be evicted: quarantined entries except the ids `kept`, then the oldest entries not checked out. */
  *evictable(kept: readonly string[]): Iterable<QueuedEntry> {
    for (const entry of this.quarantine) if (!kept.includes(entryId(entry))) yield entry;
    const checkedOut = new Set(this.#checkouts.flatMap(({ entries }) => entries));
    for (const entry of this) if (!checkedOut.has(entry)) yield entry;
  }

  /** Removes entries that {@link Outbox.evictable} returned, in its order. */
  evict(entries: readonly QueuedEntry[]): void {
    const quarantined = entries.filter(({ rejection }) => rejection !== undefined);
    this.removeQuarantined(quarantined.map(entryId));
    this.remove(entries.slice(quarantined.length));
  }

  /** Checks ownership, then tries the failed operations of the storage again. @returns The first operation that failed again. */
  retrySync(): FailedOperation | undefined {
    this.reconcile();
    return this.#sync.retry();
  }

  /** Releases the saved entries, for another run to adopt. */
  close(): void {
    this.retrySync();
    this.#sync.close();
  }

  #save(entry: QueuedEntry, origin: 'committed' | 'restored'): void {
    try {
      this.#sync.save(entry);
    } catch (error) {
      this.#shortage = undefined;
      throw this.capacity.notSaved(origin, isStorageException(error) ? error : failed(error));
    }
  }

  /** Records the shortage, for the eviction that makes room. */
  #noCapacity(
    origin: 'committed' | 'restored',
    added: readonly Draft[],
    replaced: readonly QueuedEntry[] = [],
  ): StorageException {
    this.#shortage = this.capacity.shortage(added, replaced);
    return this.capacity.notSaved(origin, this.capacity.refusal(added, this.#shortage));
  }
}

/** For an error that is not a {@link StorageException}, of an adapter or of the runtime. */
const failed = (cause: unknown): StorageException =>
  new StorageException(`the storage failed: ${describeError(cause)}`, { cause });
