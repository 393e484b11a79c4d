import type { Destination } from '../../core/model/destination.js';
import type { StoredEntry } from '../../core/model/entry.js';
import type { Value } from '../../core/model/value.js';
import type { Adoption, AdoptOptions, OwnershipLoss, SaveOptions, Writer } from '../../core/ports/storage.js';
import { quietly } from '../shared/quietly.js';
import type { StagedValues } from '../shared/run-number.js';
import type { OpfsJournal } from './journal.js';

/** The members of {@link OpfsStore} that a writer uses. */
export interface WriterStore {
  readonly own: OpfsJournal<OpfsWriter>;
  nextRun(): number;
  remove(entries: readonly StoredEntry[]): void;
  quarantine(entries: readonly StoredEntry[]): void;
  saveMissing(writer: OpfsWriter, entries: readonly StoredEntry[]): void;
  adopt(writer: OpfsWriter, options: AdoptOptions): Promise<Adoption>;
  close(writer: OpfsWriter): void;
}

/** One run of one `Api` in a worker. */
export class OpfsWriter implements Writer {
  readonly id: string;
  readonly destination: Destination;
  readonly #store: WriterStore;
  #run: number | undefined;
  /** Whether the journal has staged values of this writer. */
  #hasStaged = false;
  /** Adopted values that are in no file, while the `Api` may not have received them. */
  #adopted: StagedValues | undefined;
  #isCleared = false;
  #isClosed = false;

  constructor(store: WriterStore, id: string, destination: Destination) {
    this.#store = store;
    this.id = id;
    this.destination = destination;
  }

  check(): OwnershipLoss | undefined {
    const isCleared = this.#isCleared && !this.#isClosed;
    this.#isCleared = false;
    return isCleared ? { kind: 'cleared' } : undefined;
  }

  save(entry: StoredEntry, { clearsStaged }: SaveOptions): void {
    this.#store.own.saveEntry(entry, this.destination, { clearsStaged: clearsStaged && this.#hasStaged });
    if (!clearsStaged) return;
    this.#hasStaged = false;
    this.#adopted = undefined;
  }

  saveAgain(entries: readonly StoredEntry[]): void {
    if (!this.#isClosed) this.#store.saveMissing(this, entries);
  }

  remove(entries: readonly StoredEntry[]): void {
    this.#store.remove(entries);
  }

  quarantine(entries: readonly StoredEntry[]): void {
    this.#store.quarantine(entries);
  }

  saveStaged(values: readonly Value[]): void {
    this.#adopted = undefined;
    if (values.length > 0 || this.#hasStaged) this.#saveStaged({ run: this.#ownRun, values });
  }

  adopt(options: AdoptOptions): Promise<Adoption> {
    const adoption = this.#store.adopt(this, options);
    // One microtask after the caller has the result.
    void adoption.then().then(() => {
      this.#adopted = undefined;
    });
    return adoption;
  }

  /** Staged values were adopted, and removed from their file. */
  onStagedAdopted(staged: StagedValues): void {
    if (staged.run > (this.#adopted?.run ?? 0)) this.#adopted = staged;
  }

  close(): void {
    if (this.#isClosed) return;
    if (this.#adopted && !this.#hasStaged) this.#saveStaged(this.#adopted);
    this.#isClosed = true;
    this.#store.close(this);
  }

  /** The files were deleted: the entries are in no file. */
  onCleared(): void {
    this.#isCleared = true;
    this.#hasStaged = false;
  }

  get #ownRun(): number {
    this.#run ??= this.#store.nextRun();
    return this.#run;
  }

  /** Best effort: only commits are guaranteed to be saved. */
  #saveStaged(staged: StagedValues): void {
    quietly(() => {
      this.#store.own.saveStaged(this.id, this.destination, staged);
      this.#hasStaged = staged.values.length > 0;
    });
  }
}
