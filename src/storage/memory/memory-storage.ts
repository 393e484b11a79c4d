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
  const runs = new Map<string, Run>();
  return { durability: 'none', open: (destination, clock) => new MemoryWriter(runs, destination, clock) };
}

/** The data of one run, written by the writer of the run, and after its end by adopters. */
interface Run {
  readonly destination: Destination;
  readonly log: MemoryLog;
  /** `undefined` after the owner was closed. */
  owner: MemoryWriter | undefined;
  staged: readonly Value[];
}

/** The entries of one run. Queued entries are indexed by sequence number: saving and removing take O(1). */
export class MemoryLog {
  /** Entries in quarantine may stay for ever: in the array they would keep a slot for each later entry. */
  readonly #quarantined = new Map<number, StoredEntry>();
  #first = 1;
  #head = 0;
  #slots: (StoredEntry | undefined)[] = [];

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
    if (this.remove(entry.sequence)) this.#quarantined.set(entry.sequence, entry);
  }

  /** @returns Whether the entry was known. */
  remove(sequence: number): boolean {
    if (this.#quarantined.size > 0 && this.#quarantined.delete(sequence)) return true;
    const index = sequence - this.#first;
    if (this.#slots[index] === undefined) return false;
    this.#slots[index] = undefined;
    while (this.#head < this.#slots.length && this.#slots[this.#head] === undefined) this.#head += 1;
    if (this.#head * 2 >= this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#first += this.#head;
      this.#head = 0;
    }
    return true;
  }
}

/** One run of one `Api` in memory. */
export class MemoryWriter implements Writer {
  /** Drawn later if the platform refuses random numbers at present. */
  #id: string | undefined;
  /** The runs by writer id: of open writers, and of closed writers with entries or staged values. */
  readonly #runs: Map<string, Run>;
  readonly #own: Run;
  readonly #clock: Clock;

  constructor(runs: Map<string, Run>, destination: Destination, clock: Clock) {
    this.#runs = runs;
    this.#own = { destination, log: new MemoryLog(), owner: this, staged: [] };
    this.#clock = clock;
    if (!isRandomRefused()) this.#draw();
  }

  get id(): string {
    return this.#id ?? this.#draw();
  }

  #draw(): string {
    const id = randomId(this.#clock);
    this.#id = id;
    this.#runs.set(id, this.#own);
    return id;
  }

  check(): undefined {}

  save(entry: StoredEntry, { clearsStaged }: SaveOptions): void {
    this.#own.log.save(entry);
    if (clearsStaged) this.#own.staged = [];
  }

  saveAgain(): void {}

  remove(entries: readonly StoredEntry[]): void {
    for (const { writer, sequence } of entries) {
      // Fast path: nearly all entries are of this writer.
      const run = writer === this.id ? this.#own : this.#runs.get(writer);
      run?.log.remove(sequence);
    }
  }

  quarantine(entries: readonly StoredEntry[]): void {
    for (const entry of entries) this.#runs.get(entry.writer)?.log.quarantine(entry);
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
    for (const run of this.#runs.values()) if (run.owner === this) run.owner = undefined;
  }

  #adopt(options: AdoptOptions): Adoption {
    const entries: StoredEntry[] = [];
    let staged: readonly Value[] = [];
    for (const [writer, run] of this.#runs) {
      if (run.owner !== undefined || !sameDestination(run.destination, this.#own.destination)) continue;
      if (options.isFirst && run.staged.length > 0) {
        staged = run.staged;
        run.staged = [];
      }
      const left = run.log.adopt();
      for (const entry of left) entries.push(entry);
      if (left.length > 0) run.owner = this;
      else if (run.staged.length === 0) this.#runs.delete(writer);
    }
    return { entries, staged, warnings: [] };
  }
}
