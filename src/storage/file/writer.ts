import type { Destination } from '../../core/model/destination.js';
import type { StoredEntry } from '../../core/model/entry.js';
import type { StorageException } from '../../core/model/exceptions.js';
import type { Value } from '../../core/model/value.js';
import type { Adoption, AdoptOptions, OwnershipLoss, SaveOptions, Writer } from '../../core/ports/storage.js';
import type { Clock } from '../../core/time/clock.js';
import { quietly } from '../shared/quietly.js';
import type { Heartbeat } from './ownership/heartbeat.js';
import type { JournalReconciler } from './ownership/journal-reconciler.js';
import type { OpenWriter } from './ownership/open-writers.js';

const KEEPS_STAGED: SaveOptions = { clearsStaged: false };

/** The members of {@link JournalDirectory} that a writer uses. */
export interface WriterDirectory {
  readonly heartbeat: Heartbeat;
  readonly reconciler: JournalReconciler;
  nextRun(): number;
  remove(entries: readonly StoredEntry[]): void;
  quarantine(entries: readonly StoredEntry[]): void;
  adopt(writer: OpenWriter, options: AdoptOptions, clock: Clock): Adoption;
  close(writer: OpenWriter, clock: Clock): void;
}

/** One run of one `Api` in a folder. */
export class FileWriter implements Writer, OpenWriter {
  readonly destination: Destination;
  readonly #directory: WriterDirectory;
  readonly #clock: Clock;
  #id: string;
  #run: number | undefined;
  #isClosed = false;
  /** The staged values of this writer in the journal. */
  #staged: readonly Value[] = [];
  /** Losses that the next check reports. */
  #isCleared = false;
  #fenced: { readonly writers: ReadonlySet<string>; readonly isStagedFenced: boolean } | undefined;
  /** The error after which saved entries are in no file: new entries are refused until the lost ones are saved again. */
  #unsaved: StorageException | undefined;

  constructor(directory: WriterDirectory, { id, destination }: Pick<OpenWriter, 'id' | 'destination'>, clock: Clock) {
    this.#directory = directory;
    this.#id = id;
    this.destination = destination;
    this.#clock = clock;
  }

  get id(): string {
    return this.#id;
  }

  check(): OwnershipLoss | undefined {
    // A push in progress may still ask: released entries must not be saved again.
    if (this.#isClosed) return undefined;
    this.#directory.heartbeat.check(this.#clock);
    this.#directory.reconciler.repair(this.#clock);
    const fenced = this.#fenced;
    this.#fenced = undefined;
    if (fenced !== undefined) return { kind: 'fenced', ...fenced };
    const isCleared = this.#isCleared;
    this.#isCleared = false;
    return isCleared ? { kind: 'cleared' } : undefined;
  }

  save(entry: StoredEntry, options: SaveOptions): void {
    const journal = this.#directory.reconciler.ownJournal(this.#clock);
    if (this.#unsaved !== undefined) throw this.#unsaved;
    journal.saveEntry(entry, this.destination, this.#hasStaged ? options : KEEPS_STAGED);
    if (options.clearsStaged) this.#staged = [];
  }

  saveAgain(entries: readonly StoredEntry[]): void {
    if (this.#isClosed) return;
    try {
      this.#directory.reconciler.saveMissing(this, entries, this.#clock);
      this.#isCleared = false;
      this.#unsaved = undefined;
    } catch (error) {
      if (this.#unsaved !== undefined) this.#unsaved = error as StorageException;
      throw error;
    }
    this.saveStaged(this.#staged);
  }

  remove(entries: readonly StoredEntry[]): void {
    this.#directory.remove(entries);
  }

  quarantine(entries: readonly StoredEntry[]): void {
    this.#directory.quarantine(entries);
  }

  saveStaged(values: readonly Value[]): void {
    if (values.length === 0 && !this.#hasStaged) return;
    try {
      this.#directory.heartbeat.check(this.#clock);
      this.#run ??= this.#directory.nextRun();
      this.#directory.reconciler
        .ownJournal(this.#clock)
        .saveStaged(this.#id, this.destination, { run: this.#run, values });
      this.#staged = values;
    } catch {
      // Best effort: only commits are guaranteed to be saved.
    }
  }

  async adopt(options: AdoptOptions): Promise<Adoption> {
    // Deferred: an Api that is closed in the task that opened it adopts nothing.
    await undefined;
    if (this.#isClosed) return { entries: [], staged: [], warnings: [] };
    return this.#directory.adopt(this, options, this.#clock);
  }

  close(saved: () => readonly StoredEntry[] = () => []): void {
    if (this.#isClosed) return;
    const { reconciler } = this.#directory;
    if (reconciler.hasTruncated) {
      reconciler.restoreTruncated(this.#clock);
      // Nobody else has the entries once this writer is closed.
      quietly(() => this.saveAgain(saved()));
    }
    this.#isClosed = true;
    this.#directory.close(this, this.#clock);
  }

  get #hasStaged(): boolean {
    return this.#staged.length > 0;
  }

  isFenced(writer: string): boolean {
    return this.#fenced?.writers.has(writer) ?? false;
  }

  onCleared(unsaved?: StorageException): void {
    this.#isCleared = true;
    if (unsaved !== undefined) this.#unsaved = unsaved;
  }

  onFenced(writers: ReadonlySet<string>, { isStagedLost }: { readonly isStagedLost: boolean }): void {
    this.#fenced = {
      writers: new Set([...(this.#fenced?.writers ?? []), ...writers]),
      isStagedFenced: (this.#fenced?.isStagedFenced ?? false) || (isStagedLost && this.#hasStaged),
    };
  }

  renew(id: string): void {
    this.#id = id;
    this.#staged = [];
  }
}
