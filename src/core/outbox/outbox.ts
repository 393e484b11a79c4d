import {
  asAdopted,
  entryId,
  type QuarantinedEntry,
  type QueuedEntry,
  type Refusal,
  type StoredEntry,
} from '../model/entry.js';
import { isStorageException, StorageException } from '../model/exceptions.js';
import { shortText } from '../model/foreign-text.js';
import { utf8Length } from '../model/values-json.js';
import type { FailedOperation } from '../notify/warnings.js';
import type { Loss, Writer } from '../ports/storage.js';
import type { ClockEpoch } from '../time/clock-correction.js';
import { Quarantine } from './quarantine.js';
import { StorageSync } from './storage-sync.js';

/**
 * The committed entries, oldest first: adopted ones, then this run's by sequence number. Together with the quarantine it is
 * what the storage holds: what is in it was saved before, and is removed there as it leaves.
 */
export class Outbox {
  /** What was set aside. */
  readonly quarantine = new Quarantine();
  readonly #sync: StorageSync;
  readonly #maxEntries: number;
  readonly #onLoss: (loss: Loss, entries: number) => void;
  readonly #onChange: () => void;
  readonly #onLeave: (entries: readonly QueuedEntry[]) => void;
  /** The entries that are being uploaded. They are not dropped. */
  inFlight: readonly QueuedEntry[] = [];
  /** What was sent as the page went away, flight by flight, and is not answered yet. Neither is that. */
  readonly pendingBeacons = new Set<readonly QueuedEntry[]>();
  // The entries are those from #head on; what lies before it is cut off now and then, so that removing is O(1) a piece.
  #entries: QueuedEntry[] = [];
  #head = 0;
  #bytes = 0;
  #sequence = 0;
  #fencedCount = 0;

  /**
   * @param config - `saves`: `false` to keep entries in memory alone; `maxEntries`: how many may be queued.
   * @param onLoss - Told what happened to the storage behind the queue's back, and to how many of its entries.
   * @param onChange - Told whenever the queue or the quarantine changes.
   * @param onLeave - Told which entries left the queue, and perhaps of others that had left it before.
   */
  constructor(
    writer: Writer,
    config: { readonly saves: boolean; readonly maxEntries: number },
    onLoss: (loss: Loss, entries: number) => void,
    onChange: () => void = () => {},
    onLeave: (entries: readonly QueuedEntry[]) => void = () => {},
  ) {
    this.#sync = new StorageSync(writer, config.saves, () => [...this, ...this.quarantine.stored]);
    this.#maxEntries = config.maxEntries;
    this.#onLoss = onLoss;
    this.#onChange = onChange;
    this.#onLeave = onLeave;
  }

  /** How many entries others have taken over so far. */
  get fencedCount(): number {
    return this.#fencedCount;
  }

  get length(): number {
    return this.#entries.length - this.#head;
  }

  /** The bytes of UTF-8 that all values take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many more entries may be queued; those in quarantine take room too. */
  get capacityLeft(): number {
    return this.#maxEntries - this.length - this.quarantine.size;
  }

  /** The sequence number of the entry that was added last; 0 before the first. */
  get lastSequence(): number {
    return this.#sequence;
  }

  has(entry: QueuedEntry): boolean {
    return this.#entries.indexOf(entry, this.#head) >= 0;
  }

  /** The oldest entries, `count` at most. */
  oldest(count: number): QueuedEntry[] {
    return this.#entries.slice(this.#head, this.#head + count);
  }

  /** The entries up to a sequence number of this run, adopted ones included, oldest first. */
  *upTo(sequence: number): Generator<QueuedEntry, void> {
    for (let index = this.#head; index < this.#entries.length; index++) {
      const entry = this.#entries[index] as QueuedEntry;
      if (entry.origin !== undefined && entry.sequence > sequence) return;
      yield entry;
    }
  }

  /**
   * What is dropped first, `count` at most: what is in quarantine, then the oldest entries that are not being uploaded.
   *
   * @param kept - The ids of those in quarantine that are to stay.
   */
  evictable(count: number, kept: readonly string[]): QueuedEntry[] {
    const refused = this.quarantine.oldest(count, kept);
    const inFlight = new Set([...this.pendingBeacons, this.inFlight].flat());
    const queued = this.oldest(count + inFlight.size).filter((entry) => !inFlight.has(entry));
    return [...refused, ...queued].slice(0, count);
  }

  *[Symbol.iterator](): Generator<QueuedEntry, void> {
    for (let index = this.#head; index < this.#entries.length; index++) yield this.#entries[index] as QueuedEntry;
  }

  /**
   * Sees to what happened to the storage behind the queue's back: drops what another took over, and saves again what was
   * deleted. To be called before entries are added or sent.
   *
   * @returns Whether something had happened.
   */
  reconcile(): boolean {
    const loss = this.#sync.reconcile();
    if (loss === undefined) return false;
    const before = this.length + this.quarantine.size;
    if (loss.kind === 'taken') {
      const isLeft = (entry: QueuedEntry): boolean => !(loss.writers.has(entry.writer) && this.#sync.isSaved(entry));
      this.#onLeave([...this].filter((entry) => !isLeft(entry)));
      this.#retain(isLeft);
      this.quarantine.retain(isLeft);
    }
    const taken = before - this.length - this.quarantine.size;
    this.#fencedCount += taken;
    this.#onLoss(loss, loss.kind === 'taken' ? taken : before);
    this.retrySync();
    return true;
  }

  /**
   * Saves a new entry and puts it at the end.
   *
   * @param values - Their wire text.
   * @param bytes - How many of UTF-8 that takes, where it is known.
   * @param stretch - If `timestamp` is the time of this moment.
   * @throws {@link StorageException} if it could not be saved; the queue is as before.
   */
  append(
    timestamp: number,
    values: string,
    origin: 'committed' | 'restored',
    bytes = utf8Length(values),
    epoch?: ClockEpoch,
  ): QueuedEntry {
    if (this.capacityLeft < 1) throw this.#exception(origin === 'committed', this.#reached, '', true);
    return this.#add(timestamp, values, origin, bytes, epoch);
  }

  #add(
    timestamp: number,
    values: string,
    origin: 'committed' | 'restored',
    bytes: number,
    epoch?: ClockEpoch,
  ): QueuedEntry {
    // Counted up even if saving fails: a torn record of this number may be left behind.
    this.#sequence += 1;
    const entry: QueuedEntry = {
      writer: this.#sync.writerId,
      sequence: this.#sequence,
      timestamp,
      values,
      bytes,
      origin,
      epoch,
    };
    this.#save(entry);
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    this.#onChange();
    return entry;
  }

  /**
   * Puts entries back at the end, as new ones with their old times.
   *
   * @param ids - What they were before: those in quarantine leave it, once all are saved, and need no more room than there.
   * @throws {@link StorageException} if one could not be saved; then none is put back.
   */
  restore(entries: readonly Pick<StoredEntry, 'timestamp' | 'values'>[], ids: readonly string[] = []): QueuedEntry[] {
    if (this.capacityLeft + this.quarantine.count(ids) < entries.length)
      throw this.#exception(false, this.#reached, '', true);
    const restored: QueuedEntry[] = [];
    try {
      for (const { timestamp, values } of entries)
        restored.push(this.#add(timestamp, values, 'restored', utf8Length(values)));
    } catch (error) {
      this.remove(restored);
      throw error;
    }
    this.removeQuarantined(ids);
    return restored;
  }

  /**
   * Puts entries that dead runs left before all others, as they are older; those in quarantine stay there, unless their
   * refusal is retryable. The storage keeps such a refusal until the entry is removed or quarantined again.
   */
  adopt(entries: readonly StoredEntry[]): void {
    // Of its final size at once: growing it takes as much again.
    const adopted = new Array<QueuedEntry>(entries.length);
    let count = 0;
    for (const entry of entries) {
      const { refusal } = entry;
      const own = asAdopted(entry);
      if (refusal !== undefined && !refusal.retryable) this.quarantine.add({ ...own, refusal });
      else {
        this.#bytes += entry.bytes;
        adopted[count++] = own;
      }
    }
    adopted.length = count;
    this.#insertOldest(adopted);
    this.#onChange();
  }

  /** Puts adopted entries behind those that were adopted before. */
  #insertOldest(adopted: QueuedEntry[]): void {
    const queued = this.#entries.slice(this.#head);
    const firstOwn = queued.findIndex(({ origin }) => origin !== undefined);
    const own = firstOwn < 0 ? [] : queued.splice(firstOwn);
    this.#entries = queued.length + own.length === 0 ? adopted : queued.concat(adopted, own);
    this.#head = 0;
  }

  /**
   * Removes entries, in memory at once and from the storage as soon as it can be written. Unknown ones are ignored.
   *
   * @returns How many were known.
   */
  remove(entries: readonly QueuedEntry[]): number {
    if (entries.length === 0) return 0;
    const { length } = this;
    const behind = this.#head + this.inFlight.length;
    if (this.#areAt(this.#head, entries)) {
      this.#head += entries.length;
      for (const entry of entries) this.#bytes -= entry.bytes;
      if (this.#head * 2 >= this.#entries.length) {
        this.#entries = this.#entries.slice(this.#head);
        this.#head = 0;
      }
    } else if (this.#areAt(behind, entries)) {
      // Where what is dropped stands, mostly.
      this.#entries.splice(behind, entries.length);
      for (const entry of entries) this.#bytes -= entry.bytes;
    } else {
      const removed = new Set(entries);
      this.#retain((entry) => !removed.has(entry));
    }
    this.#sync.remove(entries);
    this.#onLeave(entries);
    this.#onChange();
    return length - this.length;
  }

  /** Takes an entry out of the queue and sets it aside. @returns `undefined` if it is not in the queue any more. */
  moveToQuarantine(entry: QueuedEntry, refusal: Refusal): QuarantinedEntry | undefined {
    const index = this.#entries.indexOf(entry, this.#head);
    if (index < 0) return undefined;
    this.#entries.splice(index, 1);
    this.#bytes -= entry.bytes;
    const refused = { ...entry, refusal };
    // In quarantine before that is noted: what was deleted underneath is saved again first, and this with it.
    const shown = this.quarantine.add(refused);
    this.#sync.quarantine([refused]);
    this.#onLeave([entry]);
    this.#onChange();
    return shown;
  }

  /** Forgets what is in quarantine. @param ids - Which; unknown ones are ignored. @returns How many there were. */
  removeQuarantined(ids: Iterable<string>): number {
    const forgotten = this.quarantine.remove(ids);
    if (forgotten.length > 0) this.#sync.remove(forgotten);
    this.#onChange();
    return forgotten.length;
  }

  /** Drops what {@link Outbox.evictable} told. */
  evict(entries: readonly QueuedEntry[]): void {
    const refused = entries.filter(({ refusal }) => refusal !== undefined);
    this.removeQuarantined(refused.map(entryId));
    this.remove(entries.slice(refused.length));
  }

  /**
   * Tries again what the storage failed at: to forget what left the queue, to save again what was deleted, to note what
   * is in quarantine.
   *
   * @returns What it still fails at.
   */
  retrySync(): FailedOperation | undefined {
    return this.#sync.retry();
  }

  #retain(isWanted: (entry: QueuedEntry) => boolean): void {
    this.#entries = [...this].filter(isWanted);
    this.#head = 0;
    this.#bytes = this.#entries.reduce((bytes, entry) => bytes + entry.bytes, 0);
  }

  /** Whether entries stand together, from a place on. */
  #areAt(start: number, entries: readonly QueuedEntry[]): boolean {
    return entries.every((entry, index) => this.#entries[start + index] === entry);
  }

  #save(entry: QueuedEntry): void {
    try {
      this.#sync.save(entry, entry.origin === 'committed');
    } catch (error) {
      const { message, advice, isFull } = isStorageException(error)
        ? error
        : new StorageException('the storage failed');
      throw this.#exception(entry.origin === 'committed', shortText(message), advice, isFull);
    }
  }

  get #reached(): string {
    return `maxQueuedEntries (${this.#maxEntries}) is reached`;
  }

  #exception(isCommitted: boolean, what: string, advice: string, isFull: boolean): StorageException {
    const { size } = this.quarantine;
    return new StorageException(
      `The entry could not be saved: ${what}. Still queued and safe: ${this.length} (${this.#bytes} bytes)` +
        `${size > 0 ? `; in quarantine: ${size}` : ''}${isCommitted ? '. The values are still staged.' : '.'}`,
      advice ||
        `Push what is queued${size > 0 ? ', dropQuarantined(),' : ''} or make room, then ${isCommitted ? 'commit' : 'restore'} again.`,
      isFull,
      what,
    );
  }
}
