import { Buffer } from 'node:buffer';
import { createHash, randomFillSync } from 'node:crypto';
import { type Destination, sameDestination } from '../../core/model/destination.js';
import { entryId, type StoredEntry } from '../../core/model/entry.js';
import type { EntryIdentity } from '../../core/model/entry-ids.js';
import { FileHandle } from '../../storage/file/journal/file-handle.js';
import { codeOf, storageException, useAndClose } from '../../storage/file/journal/file-io.js';
import { Journal } from '../../storage/file/journal/journal.js';
import { journalName } from '../../storage/file/journal/journal-name.js';
import type { SafeFiles } from '../../storage/file/journal/safe-files.js';
import { inOrder, readContents, readEntries, type WriterLog } from '../../storage/shared/journal/contents.js';
import { encodeEntry, encodeWriter, readRecord } from '../../storage/shared/journal/record.js';
import { idFrom } from '../../storage/shared/random-id.js';
import { CommandException, EXIT } from '../exit.js';

/*
 * The one journal of a folder; record.ts has its format. Every call opens it anew, under the folder's lock:
 *
 *   - a process that commits one entry appends a record of kind C. The next such process finds it at the end of the file, and goes
 *     on with its writer and sequence number, without reading anything else;
 *   - a process with the push lock appends entries of kind E, removals and quarantine records. Only such a process rewrites the
 *     file, which turns C into E: an id that may have been removed is never drawn from the end of the file.
 *
 * So a C at the end is the last commit ever made here, and its writer belongs to no process that still runs. Ids of writers begin
 * with a hash of their destination, as their W record stands anywhere in the file.
 */

/** Of no process: no other storage adopts it. */
export const JOURNAL = { owner: 'folder', file: 'readings' };

/** The end of the file that is searched for its last record. */
const TAIL_BYTES = 16 * 1024;
const NEWLINE = 10;
const HASH_LENGTH = 6;

/** The entries of one destination, and notes about the rest. */
export interface JournalView {
  /** In the order of the file; of each writer in the order of its commits. */
  readonly entries: StoredEntry[];
  /** Destinations of other entries. */
  readonly others: readonly Destination[];
  /** How many lines can't be read. */
  readonly unreadable: number;
}

export class FolderJournal {
  readonly path: string;
  readonly #files: SafeFiles;

  constructor(files: SafeFiles) {
    this.#files = files;
    this.path = files.folder.pathOf(journalName(JOURNAL));
  }

  /** The device and inode of the file; `undefined` if there is none. */
  get identity(): string | undefined {
    return this.#files.identityAt(this.path);
  }

  /** In bytes. */
  get size(): number {
    return this.#withHandle((handle) => handle.size) ?? 0;
  }

  /** The last record, if it is an entry that was committed by a process without the push lock. Reads 16 KiB at most. */
  tail(): EntryIdentity | undefined {
    if (this.identity === undefined) return undefined;
    const { io } = this.#files;
    return useAndClose(
      io,
      this.#readable(() => this.#files.open(this.path, 'read')),
      (fd) => {
        const { size } = io.fstatSync(fd);
        const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
        const length = io.readSync(fd, bytes, 0, bytes.length, size - bytes.length);
        return lastCommitted(bytes.subarray(0, length));
      },
    );
  }

  /** @throws A `CommandException` that names the file. */
  #readable<Result>(open: () => Result): Result {
    try {
      return open();
    } catch (error) {
      throw new CommandException(`${this.path} can't be read (${codeOf(error)})`, {
        exitCode: EXIT.temporary,
        advice: 'Nothing was changed. The journal must be a regular file of this user, without links to it.',
      });
    }
  }

  /**
   * Whether nothing was committed since a commit, as far as the end of the file shows: a process with the push lock writes there,
   * too, and acts on that before.
   *
   * @param id - Of an entry; empty if there was none.
   */
  isAt(id: string): boolean {
    if (this.identity === undefined) return id === '';
    const tail = this.tail();
    return tail === undefined || entryId(tail) === id;
  }

  /** The writer and sequence number to go on from. */
  next(destination: Destination, tail = this.tail()): EntryIdentity {
    const hash = hashOf(destination);
    return tail?.writer.startsWith(hash) ? tail : { writer: newWriter(hash), sequence: 0 };
  }

  /**
   * Commits an entry of a process without the push lock.
   *
   * @param destination - That of the writer, if this is its first entry.
   * @throws {@link StorageException}
   */
  commit(entry: StoredEntry, destination: Destination | undefined): void {
    const head = destination === undefined ? '' : encodeWriter(entry.writer, destination);
    this.append(head + encodeEntry(entry, 'C'), true);
  }

  /** Appends all of a text or nothing. @throws {@link StorageException} */
  append(text: string, isSynced: boolean): void {
    const handle = new FileHandle(this.#files, this.path, { isNew: true });
    try {
      if (this.identity !== undefined) handle.measure();
      if (isSynced) handle.appendDurably(text);
      else handle.append(text);
    } catch (error) {
      throw storageException(error, this.path);
    } finally {
      handle.close();
    }
  }

  /** Reads everything. @param isWanted - Of which entries of the destination; the others are not in memory together. */
  read(destination: Destination, isWanted: (entry: StoredEntry) => boolean = () => true): JournalView {
    const view = this.#withHandle((handle) => {
      const { logs, unreadable } = readContents(handle.lines());
      const wanted = new Map([...logs].filter(([, log]) => isOf(log, destination)));
      const entries = [...readEntries(handle.lines(), wanted)].filter(isWanted);
      return { entries: ordered(entries), others: othersIn(logs, destination), unreadable };
    });
    return view ?? { entries: [], others: [], unreadable: 0 };
  }

  /** Removes entries on a full disk, within the file. @throws {@link StorageException} */
  removeInPlace(entries: readonly StoredEntry[]): void {
    this.#withJournal((journal) => journal.remove(entries), { isFull: true });
  }

  /** Rewrites the file without removed entries where that is worth it, and empties it where nothing is left. */
  tidy(): void {
    // Removes no writer: that empties a file in which nothing is wanted, and compacts a large one.
    this.#withJournal((journal) => journal.removeWriters(new Map()));
  }

  #withHandle<Result>(use: (handle: FileHandle) => Result): Result | undefined {
    if (this.identity === undefined) return undefined;
    const handle = new FileHandle(this.#files, this.path, { isNew: false });
    try {
      this.#readable(() => handle.measure());
      return use(handle);
    } finally {
      handle.close();
    }
  }

  #withJournal(use: (journal: Journal) => void, { isFull } = { isFull: false }): void {
    if (this.identity === undefined) return;
    const journal = new Journal(this.#files, JOURNAL, { isNew: false, isFull });
    try {
      journal.read();
      use(journal);
    } finally {
      journal.handle.close();
    }
  }
}

function lastCommitted(bytes: Buffer): EntryIdentity | undefined {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === NEWLINE) end -= 1;
  // A record without a newline may be torn.
  if (end === bytes.length) return undefined;
  const record = readRecord({ bytes, start: bytes.lastIndexOf(NEWLINE, end - 1) + 1, end });
  return record?.kind === 'C' ? { writer: record.writer, sequence: record.sequence } : undefined;
}

const isOf = ({ destination: of }: WriterLog, destination: Destination): boolean =>
  of !== undefined && sameDestination(of, destination);

function othersIn(logs: ReadonlyMap<string, WriterLog>, destination: Destination): Destination[] {
  const others: Destination[] = [];
  for (const { destination: of, sequences } of logs.values()) {
    const isNew =
      of !== undefined && sequences.size > 0 && ![destination, ...others].some((o) => sameDestination(o, of));
    if (isNew) others.push(of);
  }
  return others;
}

/** Entries that were moved on a full disk can stand in another order, and twice. */
function ordered(entries: StoredEntry[]): StoredEntry[] {
  const last = new Map<string, number>();
  for (const { writer, sequence } of entries) {
    if (sequence <= (last.get(writer) ?? 0)) return byWriter(entries);
    last.set(writer, sequence);
  }
  return entries;
}

function byWriter(entries: readonly StoredEntry[]): StoredEntry[] {
  const lists = new Map<string, StoredEntry[]>();
  for (const entry of entries) lists.set(entry.writer, [...(lists.get(entry.writer) ?? []), entry]);
  return [...lists.values()].flatMap(inOrder);
}

/** Long enough (36^6) that two destinations of one folder do not share it by chance. */
function hashOf({ deviceId, baseUrl }: Destination): string {
  const digest = createHash('sha256').update(`${deviceId} ${baseUrl}`).digest();
  return (digest.readUIntBE(0, 6) % 36 ** HASH_LENGTH).toString(36).padStart(HASH_LENGTH, '0');
}

/** The id of a writer of its destination: 16 digits and small letters, as all have. */
const newWriter = (hash: string): string => hash + idFrom(strongRandom).slice(HASH_LENGTH);

export const newWriterOf = (destination: Destination): string => newWriter(hashOf(destination));

const strongRandom = (): number => (randomFillSync(new Uint32Array(1))[0] as number) / 2 ** 32;
