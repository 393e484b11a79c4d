import { type Destination, sameDestination } from '../../core/model/destination.js';
import type { StoredEntry } from '../../core/model/entry.js';
import type { Value } from '../../core/model/value.js';
import type { SaveOptions } from '../../core/ports/storage.js';
import { type Contents, unreadableIn, type WriterLog } from '../shared/journal/contents.js';
import { JournalRecords } from '../shared/journal/journal-records.js';
import type { WriterHeads } from '../shared/journal/journal-text.js';
import { type JournalContents, RecordLog } from '../shared/journal/record-log.js';
import type { JournalPair } from './journal-pair.js';
import { storageException } from './opfs-errors.js';

/** The records in a pair of files. A rewriting keeps lines that can't be read: no third file can be opened for them. */
class PairLog extends RecordLog {
  readonly #pair: JournalPair;

  constructor(pair: JournalPair) {
    super(pair, { isNew: pair.size === 0 });
    this.#pair = pair;
  }

  rewrite(contents: Contents): void {
    const unreadable = unreadableIn(this.#pair.lines());
    this.rewriteBy(contents, (pieces) => {
      this.#pair.replace(concatenated(pieces, unreadable));
      return true;
    });
  }
}

/** A journal that this worker has open, and the open writers that adopted entries in it. */
export class OpfsJournal<Adopter> extends JournalRecords {
  readonly pair: JournalPair;
  /** The adopter of each dead writer. */
  readonly adopters = new Map<string, Adopter>();
  readonly #log: PairLog;
  /** The destination of each writer with records. */
  readonly #destinations = new Map<string, Destination>();

  constructor(pair: JournalPair) {
    const log = new PairLog(pair);
    super(pair, log);
    this.pair = pair;
    this.#log = log;
  }

  readContents(): Contents {
    return this.#log.readContents();
  }

  /** See {@link RecordLog.read}. */
  read(isSelected: (log: WriterLog) => boolean, contents: Contents): JournalContents {
    for (const { writer, destination } of contents.logs.values())
      if (destination !== undefined) this.#destinations.set(writer, destination);
    return this.#log.read(isSelected, contents);
  }

  /** Whether live records of a writer are for this destination. */
  isFor(writer: string, destination: Destination): boolean {
    const own = this.#destinations.get(writer);
    return own !== undefined && sameDestination(own, destination);
  }

  override saveAll(heads: WriterHeads, entries: readonly StoredEntry[]): void {
    for (const [writer, { destination }] of heads) if (destination) this.#destinations.set(writer, destination);
    this.#repair();
    super.saveAll(heads, entries);
  }

  override saveEntry(entry: StoredEntry, destination: Destination, options: SaveOptions): void {
    this.#prepare(entry.writer, destination);
    super.saveEntry(entry, destination, options);
  }

  override saveStaged(
    writer: string,
    destination: Destination,
    staged: { run: number; values: readonly Value[] },
  ): void {
    this.#prepare(writer, destination);
    super.saveStaged(writer, destination, staged);
  }

  /** Ends the adoption of writers whose entries have been removed. */
  releaseEmptied(): void {
    for (const writer of this.adopters.keys()) if (!this.live.hasEntriesOf(writer)) this.adopters.delete(writer);
  }

  /** Ends all adoptions by a writer. */
  release(adopter: Adopter): void {
    for (const [writer, of] of this.adopters) if (of === adopter) this.adopters.delete(writer);
  }

  #prepare(writer: string, destination: Destination): void {
    this.#destinations.set(writer, destination);
    this.#repair();
  }

  /** @throws {@link StorageException} if half a write can't be undone even now. */
  #repair(): void {
    if (!this.pair.isBroken) return;
    try {
      this.#log.rewrite(this.#log.readContents());
    } catch (error) {
      throw storageException(error, this.pair.path);
    }
  }
}

function* concatenated(
  records: Iterable<string>,
  lines: Iterable<Uint8Array>,
): Generator<string | Uint8Array, undefined> {
  yield* records;
  yield* lines;
}
