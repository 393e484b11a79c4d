import type { Destination } from '../../../core/model/destination.js';
import type { StoredEntry } from '../../../core/model/entry.js';
import { isStorageFull, StorageException } from '../../../core/model/exceptions.js';
import type { Value } from '../../../core/model/value.js';
import { utf8Length } from '../../../core/model/values-json.js';
import type { SaveOptions } from '../../../core/ports/storage.js';
import { RangeSet } from '../range-set.js';
import type { WriterLog } from './contents.js';
import { journalText, quarantineRecord, type WriterHeads } from './journal-text.js';
import { MAX_RECORD_BYTES } from './lines.js';
import type { Live, LiveIndex } from './live-index.js';
import { encodeEntry, encodeRemoved, encodeStaged, encodeWriter } from './record.js';
import type { JournalFile, RecordLog } from './record-log.js';

/** A longer record could not be read back. */
const MAX_VALUES_BYTES = MAX_RECORD_BYTES - 1024;

const tooLarge = (): StorageException =>
  new StorageException(`the entry is larger than a file's record may be (${MAX_VALUES_BYTES} bytes)`, {
    advice: 'Commit fewer or shorter values at once.',
  });

/** A file to which records are appended. */
export interface AppendableFile extends JournalFile {
  /** Whether nothing more may be saved in the file, as its size is unknown. */
  readonly isBroken: boolean;
  /** Appends the whole text or nothing, as durably as entries are saved. @param length - In bytes of UTF-8. @throws {@link StorageException} */
  appendDurably(text: string, length?: number): void;
  /** As {@link AppendableFile.appendDurably}, for a text in pieces, each made when it is written. */
  appendPieces(pieces: Iterable<string>): void;
}

/** A journal: a file to which each change is appended as a record. */
export class JournalRecords {
  readonly #file: AppendableFile;
  readonly #log: RecordLog;
  /** Whether the disk had no space for the last entry. */
  #isFull: boolean;

  /** @param isFull - Whether the disk had no space for an entry: removals make room within the file. Default: `false`. */
  constructor(file: AppendableFile, log: RecordLog, { isFull = false }: { readonly isFull?: boolean } = {}) {
    this.#isFull = isFull;
    this.#file = file;
    this.#log = log;
  }

  get live(): LiveIndex {
    return this.#log.live;
  }

  /** Whether there are no live records. */
  get isDrained(): boolean {
    return this.#log.isDrained;
  }

  /** @throws {@link StorageException} if the entry could not be saved; the file is unchanged then. */
  saveEntry(entry: StoredEntry, destination: Destination, { clearsStaged }: SaveOptions): void {
    if (entry.bytes > MAX_VALUES_BYTES) throw tooLarge();
    try {
      const registration = this.#registration(entry.writer, destination);
      const record = encodeEntry(entry, clearsStaged ? 'C' : 'E');
      // A record is ASCII but for its values.
      const length = record.length + entry.bytes - entry.values.length;
      if (registration === '') this.#file.appendDurably(record, length);
      else this.#file.appendDurably(registration + record);
    } catch (error) {
      if (this.#file.isBroken) this.#log.refuse(entry);
      this.#isFull = isStorageFull(error);
      throw error;
    }
    this.live.register(entry.writer);
    if (clearsStaged) this.live.setStaged(entry.writer, false);
    this.live.add(entry);
  }

  /** Saves all entries, with the destinations and staged values of their writers, or nothing. @throws {@link StorageException} */
  saveAll(heads: WriterHeads, entries: readonly StoredEntry[]): void {
    this.#file.appendPieces(journalText(heads, entries));
    for (const entry of entries) this.live.add(entry);
    this.live.addHeads(heads);
  }

  /** Not synced: only commits are guaranteed to survive a power cut. @throws {@link StorageException} */
  saveStaged(writer: string, destination: Destination, staged: { run: number; values: readonly Value[] }): void {
    const record = encodeStaged(writer, staged.run, staged.values);
    if (utf8Length(record) > MAX_VALUES_BYTES) throw tooLarge();
    this.#file.append(this.#registration(writer, destination) + record);
    this.live.register(writer);
    this.live.setStaged(writer, staged.values.length > 0);
    this.#log.compactIfLarge();
  }

  /** Durable: staged values that were adopted must not return after a power cut. @throws {@link StorageException} */
  removeStaged(writer: string, destination: Destination, run: number): void {
    this.#file.appendDurably(this.#registration(writer, destination) + encodeStaged(writer, run, []));
    this.live.setStaged(writer, false);
    this.#log.compactIfLarge();
  }

  /** Saves the destination of a writer if its records are in the file without it. @throws {@link StorageException} */
  register(writer: string, destination: Destination): void {
    if (!this.live.has(writer) || this.live.isRegistered(writer)) return;
    this.#file.appendDurably(encodeWriter(writer, destination));
    this.live.register(writer);
  }

  /** Removes all records of writers. @throws {@link StorageException} if not all removals could be written. */
  removeWriters(logs: ReadonlyMap<string, WriterLog>): void {
    for (const [writer, { destination, staged }] of logs) {
      if (destination && staged) this.removeStaged(writer, destination, staged.run);
    }
    const removed = new Map<string, Live>();
    for (const writer of logs.keys()) {
      const live = this.live.removeEntriesOf(writer);
      if (live !== undefined) removed.set(writer, live);
    }
    try {
      if (this.isDrained && this.#log.isReadable) this.#log.truncate();
      else this.#appendRemoval(Array.from(removed, ([writer, { sequences }]) => [writer, sequences]));
    } catch (error) {
      for (const [writer, live] of removed) this.live.restoreEntriesOf(writer, live);
      throw error;
    }
    this.#log.compactIfLarge();
  }

  /**
   * Removes entries; unknown entries are ignored. Not synced: entries that a power cut restores are sent twice, and none is lost.
   *
   * @throws {@link StorageException} if the removal could not be written; calling again is harmless.
   */
  remove(entries: readonly StoredEntry[]): void {
    const found = this.#liveAmong(entries);
    if (found.length === 0) return;
    const removed = sequencesOf(found);
    const count = Array.from(removed.values(), ({ size }) => size).reduce((sum, size) => sum + size);
    if (count === this.live.entries && this.live.staged === 0 && this.#log.isReadable) {
      this.#log.truncate();
      return;
    }
    for (const entry of found) this.live.remove(entry);
    try {
      this.#appendRemoval(removed);
    } catch (error) {
      for (const entry of found) this.live.add(entry);
      throw error;
    }
    this.#log.compactIfLarge();
  }

  /**
   * Records the `rejection` of entries; unknown entries are ignored. Not synced: entries whose quarantine a power cut undoes are
   * sent again, and none is lost.
   *
   * @throws {@link StorageException} if a `rejection` could not be written; calling again is harmless.
   */
  quarantine(entries: readonly StoredEntry[]): void {
    const found = this.#liveAmong(entries);
    const text = found.map(quarantineRecord).join('');
    if (text === '') return;
    this.#file.append(text);
    for (const entry of found) this.live.quarantine(entry);
    this.#log.compactIfLarge();
  }

  #liveAmong(entries: readonly StoredEntry[]): StoredEntry[] {
    const { live } = this;
    return entries.filter(({ writer, sequence }) => live.isLive(writer, sequence));
  }

  /** Appends a removal. Must succeed on a full disk, which only a removal can free. */
  #appendRemoval(removed: Iterable<[writer: string, RangeSet]>): void {
    const text = Array.from(removed, ([writer, { ranges }]) => encodeRemoved(writer, ranges)).join('');
    try {
      if (!this.#isFull) {
        this.#file.append(text);
        return;
      }
    } catch (error) {
      if (!isStorageFull(error)) throw error;
    }
    this.#log.compactInPlace();
    this.#isFull = false;
  }

  /** @returns The record of a writer's destination; empty if the file has the record. */
  #registration(writer: string, destination: Destination): string {
    return this.live.isRegistered(writer) ? '' : encodeWriter(writer, destination);
  }
}

/** The sequence numbers of entries by writer. */
function sequencesOf(entries: readonly StoredEntry[]): Map<string, RangeSet> {
  const byWriter = new Map<string, RangeSet>();
  for (const { writer, sequence } of entries) {
    const sequences = byWriter.get(writer) ?? new RangeSet();
    byWriter.set(writer, sequences);
    sequences.add(sequence);
  }
  return byWriter;
}
