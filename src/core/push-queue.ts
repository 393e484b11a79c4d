import { type StoredEntry, utf8Length } from './entry.js';
import { StorageException } from './exceptions.js';
import type { Loss, Writer } from './storage.js';

/** How an entry came into the queue: committed by this `Api`, put back by it, or left by a dead run. */
export type Origin = 'committed' | 'restored' | 'adopted';

/** An entry that waits for its push. */
export interface QueuedEntry extends StoredEntry {
  readonly origin: Origin;
}

/**
 * The committed entries, oldest first: adopted ones, then this run's by sequence number. It mirrors its storage: what is
 * in the queue was saved before, and is removed there as it leaves.
 */
export class PushQueue {
  readonly #writer: Writer;
  readonly #saves: boolean;
  readonly #maxEntries: number;
  readonly #onLoss: (loss: Loss, entries: number) => void;
  /** The entries that are being uploaded. They are not dropped. */
  inFlight: readonly QueuedEntry[] = [];
  // The entries are those from #head on; what lies before it is cut off now and then, so that removing is O(1) a piece.
  #entries: QueuedEntry[] = [];
  #head = 0;
  #bytes = 0;
  #sequence = 0;
  // Acknowledged by the server, but the storage failed to remove them: a crash now would cost a duplicate.
  #unremoved: readonly StoredEntry[] = [];
  // Deleted underneath, and not yet saved again.
  #isCleared = false;
  #taken = 0;

  /**
   * @param config - `saves`: `false` to keep entries in memory alone; `maxEntries`: how many may be queued.
   * @param onLoss - Told what happened to the storage behind the queue's back, and to how many of its entries.
   */
  constructor(
    writer: Writer,
    config: { readonly saves: boolean; readonly maxEntries: number },
    onLoss: (loss: Loss, entries: number) => void,
  ) {
    this.#writer = writer;
    this.#saves = config.saves;
    this.#maxEntries = config.maxEntries;
    this.#onLoss = onLoss;
  }

  /** How many entries others have taken over so far. */
  get taken(): number {
    return this.#taken;
  }

  get length(): number {
    return this.#entries.length - this.#head;
  }

  /** The bytes of UTF-8 that all values take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many more entries may be queued. */
  get room(): number {
    return this.#maxEntries - this.length;
  }

  /** The sequence number of the entry that was added last; 0 before the first. */
  get lastSequence(): number {
    return this.#sequence;
  }

  /** The oldest entries, `count` at most. */
  oldest(count: number): QueuedEntry[] {
    return this.#entries.slice(this.#head, this.#head + count);
  }

  /** The oldest entries that are not being uploaded, `count` at most. */
  droppable(count: number): QueuedEntry[] {
    const inFlight = new Set(this.inFlight);
    return this.oldest(count + inFlight.size)
      .filter((entry) => !inFlight.has(entry))
      .slice(0, count);
  }

  *[Symbol.iterator](): Generator<QueuedEntry, void> {
    for (let index = this.#head; index < this.#entries.length; index++) yield this.#entries[index] as QueuedEntry;
  }

  /**
   * Sees to what happened to the storage behind the queue's back: drops what another took over, and saves again what was
   * deleted. To be called before entries are added or sent.
   */
  check(): void {
    const loss = this.#writer.check();
    if (loss === undefined) {
      // Nothing newer is to be saved before what is older.
      if (this.#isCleared) this.retry();
      return;
    }
    const before = this.length;
    if (loss.kind === 'taken') {
      // What was adopted is saved whatever was asked for.
      const isSaved = ({ origin }: QueuedEntry): boolean => this.#saves || origin === 'adopted';
      this.#keep((entry) => !(loss.writers.has(entry.writer) && isSaved(entry)));
      this.#unremoved = this.#unremoved.filter(({ writer }) => !loss.writers.has(writer));
      this.#taken += before - this.length;
    }
    this.#isCleared ||= loss.kind === 'cleared' && this.#saves;
    this.#onLoss(loss, loss.kind === 'taken' ? before - this.length : before);
    this.retry();
  }

  /**
   * Saves a new entry and puts it at the end.
   *
   * @param values - Their wire text.
   * @param bytes - How many of UTF-8 that takes, where it is known.
   * @throws {@link StorageException} if it could not be saved; the queue is as before.
   */
  append(timestamp: number, values: string, origin: 'committed' | 'restored', bytes = utf8Length(values)): QueuedEntry {
    if (this.room < 1) throw this.#refusal(origin, this.#reached, '', true);
    // Counted up even if saving fails: a torn record of this number may be left behind.
    this.#sequence += 1;
    const entry: QueuedEntry = {
      writer: this.#writer.id,
      sequence: this.#sequence,
      timestamp,
      values,
      bytes,
      origin,
    };
    if (this.#saves) this.#save(entry);
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    return entry;
  }

  /**
   * Puts entries back at the end, as new ones with their old times.
   *
   * @throws {@link StorageException} if one could not be saved; then none is put back.
   */
  restore(entries: readonly Pick<StoredEntry, 'timestamp' | 'values'>[]): QueuedEntry[] {
    if (this.room < entries.length) throw this.#refusal('restored', this.#reached, '', true);
    const restored: QueuedEntry[] = [];
    try {
      for (const { timestamp, values } of entries) restored.push(this.append(timestamp, values, 'restored'));
    } catch (error) {
      this.remove(restored);
      throw error;
    }
    return restored;
  }

  /** Puts what dead runs left before everything else: it is older. */
  adopt(entries: readonly StoredEntry[]): void {
    if (entries.length === 0) return;
    const adopted = entries.map(
      ({ writer, sequence, timestamp, values, bytes }): QueuedEntry => ({
        writer,
        sequence,
        timestamp,
        values,
        bytes,
        origin: 'adopted',
      }),
    );
    const older = this.#entries.slice(this.#head).filter((entry) => entry.origin === 'adopted');
    const own = this.#entries.slice(this.#head + older.length);
    this.#entries = [...older, ...adopted, ...own];
    this.#head = 0;
    for (const entry of adopted) this.#bytes += entry.bytes;
  }

  /** Removes entries, in memory at once and from the storage as soon as it can be written. Unknown ones are ignored. */
  remove(entries: readonly QueuedEntry[]): void {
    if (entries.length === 0) return;
    if (this.#startsWith(entries)) {
      this.#head += entries.length;
      for (const entry of entries) this.#bytes -= entry.bytes;
      if (this.#head * 2 >= this.#entries.length) {
        this.#entries = this.#entries.slice(this.#head);
        this.#head = 0;
      }
    } else if (!this.#cutOut(entries)) {
      const removed = new Set(entries);
      this.#keep((entry) => !removed.has(entry));
    }
    this.#unremoved = this.#unremoved.length === 0 ? entries : [...this.#unremoved, ...entries];
    this.retry();
  }

  /**
   * Tries again what the storage failed at: to forget what left the queue, to save again what was deleted.
   *
   * @returns What it still fails at.
   */
  retry(): 'forget' | 'save' | undefined {
    let failing: 'forget' | 'save' | undefined;
    try {
      failing = 'forget';
      if (this.#unremoved.length > 0) this.#writer.remove(this.#unremoved);
      this.#unremoved = [];
      failing = 'save';
      if (this.#isCleared) this.#writer.saveAgain([...this]);
      this.#isCleared = false;
      return undefined;
    } catch {
      return failing;
    }
  }

  #keep(isWanted: (entry: QueuedEntry) => boolean): void {
    this.#entries = [...this].filter(isWanted);
    this.#head = 0;
    this.#bytes = this.#entries.reduce((bytes, entry) => bytes + entry.bytes, 0);
  }

  /** Removes entries that stand together right behind those being uploaded. @returns Whether they do. */
  #cutOut(entries: readonly QueuedEntry[]): boolean {
    const start = this.#head + this.inFlight.length;
    for (let index = 0; index < entries.length; index++) {
      if (this.#entries[start + index] !== entries[index]) return false;
    }
    this.#entries.splice(start, entries.length);
    for (const entry of entries) this.#bytes -= entry.bytes;
    return true;
  }

  #startsWith(entries: readonly QueuedEntry[]): boolean {
    for (let index = 0; index < entries.length; index++) {
      if (this.#entries[this.#head + index] !== entries[index]) return false;
    }
    return true;
  }

  #save(entry: QueuedEntry): void {
    try {
      this.#writer.save(entry, entry.origin === 'committed');
    } catch (error) {
      const { message, advice, isFull } =
        error instanceof StorageException ? error : new StorageException('the storage failed');
      throw this.#refusal(entry.origin, message, advice, isFull);
    }
  }

  get #reached(): string {
    return `maxQueuedEntries (${this.#maxEntries}) is reached`;
  }

  #refusal(origin: Origin, what: string, advice: string, isFull: boolean): StorageException {
    return new StorageException(
      `The entry could not be saved: ${what}. Still queued and safe: ${this.length} (${this.#bytes} bytes)` +
        `${origin === 'committed' ? '. The values are still staged.' : '.'}`,
      advice || 'Push what is queued or make room, then commit again.',
      isFull,
    );
  }
}
