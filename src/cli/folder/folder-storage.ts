import type { Destination } from '../../core/model/destination.js';
import type { StoredEntry } from '../../core/model/entry.js';
import type { Warning } from '../../core/model/events.js';
import type { Value } from '../../core/model/value.js';
import { entriesWaiting } from '../../core/notify/warnings.js';
import type { Adoption, StorageAdapter, Writer } from '../../core/ports/storage.js';
import { storageException } from '../../storage/file/journal/file-io.js';
import { plural } from '../words.js';
import type { Folder } from './folder.js';
import type { JournalView } from './folder-journal.js';

const NOTHING: Adoption = { entries: [], staged: [], warnings: [] };

/** A writer that neither has entries nor saves any. */
abstract class FolderWriter implements Writer {
  abstract readonly id: string;
  readonly lastSequence: number = 0;
  protected readonly folder: Folder;
  protected readonly destination: Destination;

  constructor(folder: Folder, destination: Destination) {
    this.folder = folder;
    this.destination = destination;
  }

  check(): undefined {}
  save(_entry: StoredEntry): void {}
  saveAgain(_entries: readonly StoredEntry[]): void {}
  remove(_entries: readonly StoredEntry[]): void {}
  quarantine(_entries: readonly StoredEntry[]): void {}
  saveStaged(_values: readonly Value[]): void {}
  async adopt(): Promise<Adoption> {
    return NOTHING;
  }
  close(): void {}
}

/** Stages and commits, and changes no entries. Its caller holds the folder's lock as long as it is open. */
class CommittingWriter extends FolderWriter {
  readonly id: string;
  override readonly lastSequence: number;
  readonly #staging: FolderStaging;
  readonly #readsEntries: boolean;
  /** Whether the journal has this writer's destination. */
  #isRegistered: boolean;

  constructor(folder: Folder, destination: Destination, options: CommittingOptions) {
    super(folder, destination);
    this.#staging = new FolderStaging(folder, destination, options);
    this.#readsEntries = options.readsEntries === true;
    const { writer, sequence } = folder.journal.next(destination);
    this.id = writer;
    this.lastSequence = sequence;
    this.#isRegistered = sequence > 0;
  }

  override save(entry: StoredEntry): void {
    this.#staging.commit(entry, () => {
      this.folder.journal.commit(entry, this.#isRegistered ? undefined : this.destination);
    });
    this.#isRegistered = true;
  }

  override saveStaged(values: readonly Value[]): void {
    this.#staging.save(values);
  }

  override async adopt(): Promise<Adoption> {
    const entries = this.#readsEntries ? this.folder.journal.read(this.destination).entries : [];
    return { ...NOTHING, entries, ...this.#staging.read() };
  }
}

/** Shows what a folder holds, and changes nothing. Its caller holds the folder's lock until everything is adopted. */
class ReadingWriter extends FolderWriter {
  readonly id = 'reading000000000';
  readonly #liveSeconds: number;

  constructor(folder: Folder, destination: Destination, liveSeconds: number) {
    super(folder, destination);
    this.#liveSeconds = liveSeconds;
  }

  override async adopt(): Promise<Adoption> {
    const view = this.folder.journal.read(this.destination);
    const staged = this.folder.staged.read(this.destination);
    const live = liveIn(view.entries, this.#liveSeconds);
    return { entries: view.entries, live, staged, warnings: warningsOf(view, this.folder) };
  }
}

/** The staged values and the last values of a folder, as one writer changes them. */
export class FolderStaging {
  readonly #folder: Folder;
  readonly #destination: Destination;
  readonly #options: CommittingOptions;
  #saved = '';

  constructor(folder: Folder, destination: Destination, options: CommittingOptions) {
    this.#folder = folder;
    this.#destination = destination;
    this.#options = options;
  }

  read(): Pick<Adoption, 'staged' | 'lastValues'> {
    const staged = this.#folder.staged.read(this.#destination);
    this.#saved = JSON.stringify(staged);
    const { isBanded } = this.#options;
    return { staged, ...(isBanded && { lastValues: this.#folder.lastValues.read(this.#destination) }) };
  }

  commit(entry: StoredEntry, save: () => void): void {
    const { isBanded } = this.#options;
    const note = isBanded && this.#folder.lastValues.beforeCommit(this.#destination, isBanded);
    save();
    note?.(entry);
  }

  save(values: readonly Value[]): void {
    const text = JSON.stringify(values);
    if (text === this.#saved) return;
    try {
      if (values.length > 0) this.#folder.staged.write(values, this.#destination);
      else this.#folder.staged.remove();
      this.#saved = text;
    } catch (error) {
      this.#options.problems.staging = storageException(error, this.#folder.files.folder.path);
    }
  }
}

/** Failures that the library ignores, because it saves staged values on a best-effort basis. */
export interface Problems {
  /** The error that kept staged values from being saved. */
  staging?: unknown;
}

/** How a call stages and commits. */
export interface CommittingOptions {
  readonly problems: Problems;
  /** Whether a field has a dead band; absent if none has. */
  readonly isBanded?: ((fieldId: string) => boolean) | undefined;
  /** Whether the entries are read, to be counted. Default: `false`. */
  readonly readsEntries?: boolean;
}

/** For `add` and `commit`. */
export const committingStorage = (folder: Folder, options: CommittingOptions): StorageAdapter => ({
  durability: 'power',
  open: (destination) => new CommittingWriter(folder, destination, options),
});

/** For `status` and other commands that only read. @param liveSeconds - See {@link liveIn}. */
export const readingStorage = (folder: Folder, liveSeconds: number): StorageAdapter => ({
  durability: 'power',
  open: (destination) => new ReadingWriter(folder, destination, liveSeconds),
});

/**
 * The live entries: those of all calls are as those of one run, and known by their time.
 *
 * @param liveSeconds - How long an entry is live; 0 if none is.
 */
export function liveIn(
  entries: readonly StoredEntry[],
  liveSeconds: number,
): (readonly [entry: StoredEntry, secondsAgo: number])[] {
  const now = Date.now() / 1000;
  return entries
    .filter(({ rejection, timestamp: time }) => rejection === undefined && time <= now && now - time < liveSeconds)
    .map((entry) => [entry, now - entry.timestamp] as const)
    .sort(([, one], [, other]) => other - one);
}

/** Warnings of entries for other devices, of lines that can't be read, and of an unsafe folder. */
export function warningsOf({ others, unreadable }: JournalView, { journal, files }: Folder): Warning[] {
  const warnings: Warning[] = [...files.warnings(), ...others.map((other) => entriesWaiting(other, files.folder.path))];
  if (unreadable > 0) {
    const message = `${journal.path} holds ${plural(unreadable, 'line')} that can't be read: damaged, or of a newer version. Nothing is deleted, and everything else is pushed.`;
    warnings.push({ code: 'unreadable-records', message });
  }
  return warnings;
}
