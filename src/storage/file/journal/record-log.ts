import type { StoredEntry } from '../../../core/model/entry.js';
import { compactInPlace } from '../../shared/journal/compaction.js';
import {
  type Contents,
  EntryList,
  emptyContents,
  readContents,
  readEntries,
  unreadableIn,
  type WriterLog,
} from '../../shared/journal/contents.js';
import { encodeTombstone, journalText } from '../../shared/journal/journal-text.js';
import { LiveIndex } from '../../shared/journal/live-index.js';
import type { FileHandle } from './file-handle.js';
import { quietly, writeAndClose } from './file-io.js';
import { type JournalName, journalName } from './journal-name.js';
import { type SafeFiles, SYNCED } from './safe-files.js';

/** A journal is compacted once it exceeds this size, and twice the size of its live records. */
const SLACK_BYTES = 64 * 1024;

/** The contents of a journal, with the entries of selected writers in the order of their commit. */
export interface JournalContents extends Contents {
  /** By writer id. */
  readonly entries: ReadonlyMap<string, readonly StoredEntry[]>;
}

/** The records in the file of a journal, and an index of the live ones. A compaction rewrites the file without the others. */
export class RecordLog {
  readonly #files: SafeFiles;
  readonly #handle: FileHandle;
  readonly #isNew: boolean;
  #name: JournalName;
  #live = new LiveIndex();
  #compactAt = SLACK_BYTES;
  /** Whether the index is complete: the file must not be deleted before. */
  #isIndexed: boolean;
  /** Entries that were refused as unsaved, although their records may be in the file: truncating it failed. */
  #refused: StoredEntry[] = [];
  /** Whether there are unreadable lines that were not copied to another file. */
  #hasUnreadable = false;
  #isNewer = false;

  constructor(files: SafeFiles, handle: FileHandle, { name, isNew }: { name: JournalName; isNew: boolean }) {
    this.#files = files;
    this.#handle = handle;
    this.#name = name;
    this.#isNew = isNew;
    this.#isIndexed = isNew;
  }

  get name(): JournalName {
    return this.#name;
  }

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
    this.#handle.measure();
    this.#index(contents, live);
    return { ...contents, entries: new Map(Array.from(lists, ([writer, list]) => [writer, list.inOrder()])) };
  }

  readContents(): Contents {
    return readContents(this.#handle.lines());
  }

  entriesOf(logs: ReadonlyMap<string, WriterLog>): Generator<StoredEntry> {
    return readEntries(this.#handle.lines(), logs);
  }

  /** Excludes an entry from the next compaction: it was refused as unsaved. */
  refuse(entry: StoredEntry): void {
    this.#refused.push(entry);
  }

  /** @throws {@link StorageException} */
  truncate(): void {
    this.#handle.truncate();
    this.#compactAt = SLACK_BYTES;
    this.#live = new LiveIndex();
  }

  /** Compacts a large file. If that fails, the file is complete, old or new; the next attempt follows after as much growth. */
  compactIfLarge(): void {
    const { size } = this.#handle;
    if (size <= Math.max(this.#compactAt, SLACK_BYTES + 2 * this.#live.bytes) || this.#isNewer) return;
    this.#compactAt = size + SLACK_BYTES;
    // A file that was adopted or deleted must not be replaced.
    if (!this.#handle.isInPlace()) return;
    quietly(() => this.rewrite(this.readContents()));
  }

  /** Compacts the file on a full disk. @throws {@link StorageException} */
  compactInPlace(): void {
    const staged = compactInPlace(this.#handle, this.#live);
    // Best effort: only commits are guaranteed to be saved.
    quietly(() => this.#handle.append(staged));
    this.read(() => false);
  }

  /**
   * Replaces the file by a new one with only the live records. Throws if the new file could not be written.
   *
   * @param contents - Absent if the file can't be read any more.
   * @param name - The name of the new file.
   */
  rewrite(contents: Contents | undefined, name = this.#name): void {
    const { logs, isNewer } = contents ?? emptyContents();
    for (const { writer, sequence } of this.#refused) logs.get(writer)?.sequences.delete(sequence);
    this.#hasUnreadable = contents !== undefined && contents.unreadable > 0;
    this.copyUnreadable();
    const live = new LiveIndex();
    const entries = contents === undefined ? [] : indexed(this.entriesOf(logs), live);
    // A former owner that was wrongly presumed dead has the old file open, and must learn of the adoption from this file, even
    // after the new one is deleted.
    const tombstone = this.#isNew ? undefined : () => encodeTombstone(logs);
    this.#handle.replace(this.#files.folder.pathOf(journalName(name)), journalText(logs, entries), tombstone);
    this.#refused = [];
    this.#compactAt = SLACK_BYTES;
    this.#name = name;
    this.#index({ logs, isNewer, unreadable: 0 }, live);
  }

  /** Copies unreadable lines to a file beside the journal, which is never deleted. Throws if that failed. */
  copyUnreadable(): void {
    if (!this.#hasUnreadable) return;
    const path = this.#files.folder.pathOf(`nikdev-iot-1_${this.#name.file}.unreadable`);
    writeAndClose(this.#files.io, this.#files.openOrCreate(path, SYNCED), unreadableIn(this.#handle.lines()));
    this.#hasUnreadable = false;
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
