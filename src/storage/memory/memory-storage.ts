import { type Destination, sameDestination } from '../../core/model/destination.js';
import { plainEntry, type StoredEntry } from '../../core/model/entry.js';
import type { Value } from '../../core/model/value.js';
import type { Adoption, AdoptOptions, SaveOptions, StorageAdapter, Writer } from '../../core/ports/storage.js';
import type { Clock } from '../../core/time/clock.js';
import { isRandomRefused, randomId } from '../shared/random-id.js';

/**
 * Keeps entries in memory: they survive the `Api` that committed them, but not the page or process. The next `Api` with the same
 * object adopts entries left behind by a closed `Api`.
 *
 * @example
 * ```ts
 * const api = new Api({ deviceId: '…', apiKey: '…', storage: memoryStorage() })
 * ```
 */
export function memoryStorage(): StorageAdapter {
  const logs = new Map<string, MemoryLog>();
  return { durability: 'none', open: (destination, clock) => new MemoryWriter(logs, destination, clock) };
}

/** The entries and staged values of one writer. Queued entries are indexed by sequence number: saving and removing take O(1). */
export class MemoryLog {
  readonly destination: Destination;
  /** The writer that owns the log; `undefined` after the writer was closed. */
  owner: object | undefined;
  staged: readonly Value[] = [];
  /** Entries in quarantine may stay for ever: in the array they would keep a slot for each later entry. */
  readonly #quarantined = new Map<number, StoredEntry>();
  #first = 1;
  #head = 0;
  #slots: (StoredEntry | undefined)[] = [];

  constructor(destination: Destination, owner: object) {
    this.destination = destination;
    this.owner = owner;
  }

  /** The entries, oldest first. The same objects as in the queue of the adopter: copies would double the memory. */
  adopt(): StoredEntry[] {
    this.#slots = this.#slots.map((entry) => entry && plainEntry(entry));
    const queued = this.#slots.filter((entry) => entry !== undefined);
    return [...this.#quarantined.values(), ...queued].sort((one, other) => one.sequence - other.sequence);
  }

  save(entry: StoredEntry): void {
    // Sequence numbers that were not saved get a slot too, as arrays with holes are slow.
    while (this.#first + this.#slots.length < entry.sequence) this.#slots.push(undefined);
    this.#slots[entry.sequence - this.#first] = entry;
  }

  /** Moves an entry into quarantine; an unknown entry is ignored. */
  quarantine(entry: StoredEntry): void {
    if (this.#slots[entry.sequence - this.#first] === undefined && !this.#quarantined.has(entry.sequence)) return;
    this.remove(entry.sequence);
    this.#quarantined.set(entry.sequence, entry);
  }

  remove(sequence: number): void {
    if (this.#quarantined.size > 0 && this.#quarantined.delete(sequence)) return;
    const index = sequence - this.#first;
    if (index < this.#head || index >= this.#slots.length) return;
    this.#slots[index] = undefined;
    while (this.#head < this.#slots.length && this.#slots[this.#head] === undefined) this.#head += 1;
    if (this.#head * 2 < this.#slots.length) return;
    this.#slots = this.#slots.slice(this.#head);
    this.#first += this.#head;
    this.#head = 0;
  }
}

/** One run of one `Api` in memory. */
export class MemoryWriter implements Writer {
  /** Drawn later if the platform refuses random numbers at present. */
  #id: string | undefined;
  /** The logs by writer id: of open writers, and of closed writers with entries or staged values. */
  readonly #logs: Map<string, MemoryLog>;
  readonly #own: MemoryLog;
  readonly #clock: Clock;

  constructor(logs: Map<string, MemoryLog>, destination: Destination, clock: Clock) {
    this.#logs = logs;
    this.#own = new MemoryLog(destination, this);
    this.#clock = clock;
    if (!isRandomRefused()) this.#draw();
  }

  get id(): string {
    return this.#id ?? this.#draw();
  }

  #draw(): string {
    const id = randomId(this.#clock);
    this.#id = id;
    this.#logs.set(id, this.#own);
    return id;
  }

  check(): undefined {}

  save(entry: StoredEntry, { clearsStaged }: SaveOptions): void {
    this.#own.save(entry);
    if (clearsStaged) this.#own.staged = [];
  }

  saveAgain(): void {}

  remove(entries: readonly StoredEntry[]): void {
    for (const { writer, sequence } of entries) {
      // Fast path: nearly all entries are of this writer.
      const log = writer === this.id ? this.#own : this.#logs.get(writer);
      log?.remove(sequence);
    }
  }

  quarantine(entries: readonly StoredEntry[]): void {
    for (const entry of entries) this.#logs.get(entry.writer)?.quarantine(entry);
  }

  saveStaged(values: readonly Value[]): void {
    this.#own.staged = values;
  }

  async adopt(options: AdoptOptions): Promise<Adoption> {
    // In a microtask: an Api that is closed in the task that opened it adopts nothing.
    await undefined;
    return this.#own.owner === this ? this.#adopt(options) : { entries: [], staged: [], warnings: [] };
  }

  close(): void {
    for (const log of this.#logs.values()) if (log.owner === this) log.owner = undefined;
  }

  #adopt(options: AdoptOptions): Adoption {
    const entries: StoredEntry[] = [];
    let staged: readonly Value[] = [];
    for (const [writer, log] of this.#logs) {
      if (log.owner !== undefined || !sameDestination(log.destination, this.#own.destination)) continue;
      if (options.isFirst && log.staged.length > 0) {
        staged = log.staged;
        log.staged = [];
      }
      const left = log.adopt();
      if (left.length > 0) {
        log.owner = this;
        for (const entry of left) entries.push(entry);
      } else if (log.staged.length === 0) {
        this.#logs.delete(writer);
      }
    }
    return { entries, staged, warnings: [] };
  }
}
