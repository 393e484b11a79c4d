import type { StoredEntry } from '../../core/model/entry.js';
import type { Value } from '../../core/model/value.js';
import type { Adoption, AdoptOptions, OwnershipLoss, SaveOptions, Writer } from '../../core/ports/storage.js';
import type { Clock } from '../../core/time/clock.js';
import type { Journal } from './journal/journal.js';
import type { OpenWriter } from './open-writers.js';

const KEEPS_STAGED: SaveOptions = { clearsStaged: false };

/** The members of {@link JournalDirectory} that a writer uses. */
export interface WriterDirectory {
  readonly heartbeat: { beatIfLate(clock: Clock): void };
  isOpen(openWriter: OpenWriter): boolean;
  journal(clock: Clock): Journal;
  repair(clock: Clock): void;
  nextRun(): number;
  saveAgain(openWriter: OpenWriter, entries: readonly StoredEntry[], clock: Clock): void;
  remove(entries: readonly StoredEntry[]): void;
  quarantine(entries: readonly StoredEntry[]): void;
  adopt(openWriter: OpenWriter, clock: Clock, options: AdoptOptions): Adoption;
  close(openWriter: OpenWriter, clock: Clock): void;
}

/** One run of one `Api` in a folder. */
export class FileWriter implements Writer {
  readonly #directory: WriterDirectory;
  readonly #openWriter: OpenWriter;
  readonly #clock: Clock;
  #run: number | undefined;

  constructor(store: WriterDirectory, openWriter: OpenWriter, clock: Clock) {
    this.#directory = store;
    this.#openWriter = openWriter;
    this.#clock = clock;
  }

  get id(): string {
    return this.#openWriter.id;
  }

  check(): OwnershipLoss | undefined {
    const openWriter = this.#openWriter;
    // A push that was under way may still ask: what was given back is not to be saved again.
    if (!this.#directory.isOpen(openWriter)) return undefined;
    this.#directory.heartbeat.beatIfLate(this.#clock);
    this.#directory.repair(this.#clock);
    const { fenced, isCleared } = openWriter;
    openWriter.fenced = undefined;
    if (fenced !== undefined) return { kind: 'fenced', ...fenced };
    openWriter.isCleared = false;
    return isCleared ? { kind: 'cleared' } : undefined;
  }

  save(entry: StoredEntry, options: SaveOptions): void {
    const openWriter = this.#openWriter;
    const journal = this.#directory.journal(this.#clock);
    if (openWriter.unsaved !== undefined) throw openWriter.unsaved;
    journal.saveEntry(entry, openWriter.destination, openWriter.hasStaged ? options : KEEPS_STAGED);
    if (options.clearsStaged) openWriter.hasStaged = false;
  }

  saveAgain(entries: readonly StoredEntry[]): void {
    if (this.#directory.isOpen(this.#openWriter)) this.#directory.saveAgain(this.#openWriter, entries, this.#clock);
  }

  remove(entries: readonly StoredEntry[]): void {
    this.#directory.remove(entries);
  }

  quarantine(entries: readonly StoredEntry[]): void {
    this.#directory.quarantine(entries);
  }

  saveStaged(values: readonly Value[]): void {
    const openWriter = this.#openWriter;
    if (values.length === 0 && !openWriter.hasStaged) return;
    try {
      this.#directory.heartbeat.beatIfLate(this.#clock);
      this.#run ??= this.#directory.nextRun();
      this.#directory.journal(this.#clock).saveStaged(openWriter.id, openWriter.destination, this.#run, values);
      openWriter.hasStaged = values.length > 0;
    } catch {
      // Best effort: staged values are promised nothing before they are committed.
    }
  }

  async adopt(options: AdoptOptions): Promise<Adoption> {
    // In a later turn: an Api that is closed in the task that opened it takes nothing.
    await undefined;
    if (!this.#directory.isOpen(this.#openWriter)) return { entries: [], staged: [], warnings: [] };
    return this.#directory.adopt(this.#openWriter, this.#clock, options);
  }

  close(): void {
    this.#directory.close(this.#openWriter, this.#clock);
  }
}
