import type { StoredEntry } from '../../../core/model/entry.js';
import { quietly } from '../quietly.js';
import { type CompactableFile, compactInPlace } from './compaction.js';
import { type Contents, EntryList, emptyContents, readContents, readEntries, type WriterLog } from './contents.js';
import { journalText } from './journal-text.js';
import { LiveIndex } from './live-index.js';

/** A journal is compacted once it exceeds this size, and twice the size of its live records. */
const SLACK_BYTES = 64 * 1024;

/** The contents of a journal, with the entries of selected writers in the order of their commit. */
export interface JournalContents extends Contents {
  /** By writer id. */
  readonly entries: ReadonlyMap<string, readonly StoredEntry[]>;
}

/** The bytes of a journal. */
export interface JournalFile extends CompactableFile {
  /** The number of bytes that were written completely. */
  readonly size: number;
  /** Takes the length of the file, which was just read completely, as its size. */
  measure(): void;
  /** Appends the whole text or nothing. @throws {@link StorageException} */
  append(text: string): void;
  /** Removes all records. @throws {@link StorageException} */
  truncate(): void;
  /** Whether the file may be rewritten: it was neither adopted nor deleted. */
  isInPlace(): boolean;
}

/** The records in the file of a journal, and an index of the live ones. A compaction rewrites the file without the others. */
export abstract class RecordLog {
  readonly #file: JournalFile;
  #live = new LiveIndex();
  #compactAt = SLACK_BYTES;
  /** Whether the index is complete: the file must not be deleted before. */
  #isIndexed: boolean;
  /** Entries that were refused as unsaved, although their records may be in the file: truncating it failed. */
  #refused: StoredEntry[] = [];
  /** Whether there are unreadable lines that were not copied to another file. */
  #hasUnreadable = false;
  #isNewer = false;

  /** @param isNew - Whether the file has no records; an existing one must be read first. */
  constructor(file: JournalFile, { isNew }: { readonly isNew: boolean }) {
    this.#file = file;
    this.#isIndexed = isNew;
  }

  /** Replaces the file by a file with only the live records. Throws if the new file could not be written; the old one is complete then. */
  abstract rewrite(contents: Contents | undefined): void;

  get live(): LiveIndex {
    return this.#live;
  }

  /** Whether there are no live records. */
  get isDrained(): boolean {
    return this.#isIndexed && this.#live.entries === 0 && this.#live.staged === 0;
  }

  /** Whether there are records of a newer format, which only a newer release may change. */
  get isNewer(): boolean {
    return this.#isNewer;
  }

  /** Whether all lines can be read by this release. */
  get isReadable(): boolean {
    return this.#isIndexed && !this.#isNewer && !this.#hasUnreadable;
  }

  /**
   * Reads the file and indexes it; even if the path leads to another file now.
   *
   * @param isSelected - Selects the writers whose entries are returned; the other entries are never in memory at once.
   * @param contents - The contents of the file, if it was just read.
   */
  read(isSelected: (log: WriterLog) => boolean, contents = this.readContents()): JournalContents {
    const live = new LiveIndex();
    const lists = new Map<string, EntryList>();
    for (const log of contents.logs.values())
      if (isSelected(log)) lists.set(log.writer, new EntryList(log.sequences.size));
    for (const entry of this.entriesOf(contents.logs)) {
      live.add(entry);
      lists.get(entry.writer)?.push(entry);
    }
    this.#file.measure();
    this.#index(contents, live);
    return { ...contents, entries: new Map(Array.from(lists, ([writer, list]) => [writer, list.inOrder()])) };
  }

  readContents(): Contents {
    return readContents(this.#file.lines());
  }

  entriesOf(logs: ReadonlyMap<string, WriterLog>): Generator<StoredEntry> {
    return readEntries(this.#file.lines(), logs);
  }

  /** Excludes an entry from the next compaction: it was refused as unsaved. */
  refuse(entry: StoredEntry): void {
    this.#refused.push(entry);
  }

  /** @throws {@link StorageException} */
  truncate(): void {
    this.#file.truncate();
    this.#compactAt = SLACK_BYTES;
    this.#live = new LiveIndex();
  }

  /** Compacts a large file. If that fails, the file is complete, old or new; the next attempt follows after as much growth. */
  compactIfLarge(): void {
    const { size } = this.#file;
    if (size <= Math.max(this.#compactAt, SLACK_BYTES + 2 * this.#live.bytes) || this.#isNewer) return;
    this.#compactAt = size + SLACK_BYTES;
    // A file that was adopted or deleted must not be replaced.
    if (!this.#file.isInPlace()) return;
    quietly(() => this.rewrite(this.readContents()));
  }

  /** Compacts the file on a full disk. @throws {@link StorageException} */
  compactInPlace(): void {
    const staged = compactInPlace(this.#file, this.#live);
    // Best effort: only commits are guaranteed to be saved.
    quietly(() => this.#file.append(staged));
    this.read(() => false);
  }

  /**
   * Writes the live records to another file.
   *
   * @param contents - Absent if the file can't be read any more.
   * @param replace - Replaces the file by the records. @returns Whether the new file has the unreadable lines.
   */
  protected rewriteBy(
    contents: Contents | undefined,
    replace: (pieces: Iterable<string>, logs: ReadonlyMap<string, WriterLog>) => boolean,
  ): void {
    const { logs, isNewer, unreadable } = contents ?? emptyContents();
    for (const { writer, sequence } of this.#refused) logs.get(writer)?.sequences.delete(sequence);
    this.#hasUnreadable = unreadable > 0;
    const live = new LiveIndex();
    const entries = contents === undefined ? [] : indexed(this.entriesOf(logs), live);
    const keepsUnreadable = replace(journalText(logs, entries), logs);
    this.#refused = [];
    this.#compactAt = SLACK_BYTES;
    this.#index({ logs, isNewer, unreadable: keepsUnreadable ? unreadable : 0 }, live);
  }

  /** The unreadable lines were copied to another file. */
  protected onUnreadableCopied(): void {
    this.#hasUnreadable = false;
  }

  /** Whether there are unreadable lines that were not copied to another file. */
  protected get hasUnreadable(): boolean {
    return this.#hasUnreadable;
  }

  #index({ logs, unreadable, isNewer }: Contents, live: LiveIndex): void {
    live.addHeads(logs);
    this.#live = live;
    this.#hasUnreadable = unreadable > 0;
    this.#isNewer = isNewer;
    this.#isIndexed = true;
  }
}

/** Indexes entries as they are read. */
function* indexed(entries: Iterable<StoredEntry>, live: LiveIndex): Generator<StoredEntry, undefined> {
  for (const entry of entries) {
    live.add(entry);
    yield entry;
  }
}
