import type { Contents, WriterLog } from '../../shared/journal/contents.js';
import { JournalRecords } from '../../shared/journal/journal-records.js';
import { journalText } from '../../shared/journal/journal-text.js';
import type { JournalContents } from '../../shared/journal/record-log.js';
import { quietly } from '../../shared/quietly.js';
import { FileHandle } from './file-handle.js';
import { codeOf, storageException } from './file-io.js';
import { type JournalName, journalName } from './journal-name.js';
import { FileRecordLog } from './record-log.js';
import type { SafeFiles } from './safe-files.js';

/** A journal that this process owns. */
export class Journal extends JournalRecords {
  readonly handle: FileHandle;
  readonly #files: SafeFiles;
  readonly #log: FileRecordLog;
  #isDisplaced = false;

  /**
   * @param isNew - Whether the file has to be created; an existing one must be read first.
   * @param isFull - Whether the disk had no space for an entry: removals make room within the file. Default: `false`.
   */
  constructor(
    files: SafeFiles,
    name: JournalName,
    { isNew, isFull = false }: { readonly isNew: boolean; readonly isFull?: boolean },
  ) {
    const handle = new FileHandle(files, files.folder.pathOf(journalName(name)), { isNew });
    const log = new FileRecordLog(files, handle, { name, isNew });
    super(handle, log, { isFull });
    this.#files = files;
    this.handle = handle;
    this.#log = log;
  }

  /** The id of the file: the part of its name that stays when the owner changes. */
  get file(): string {
    return this.#log.name.file;
  }

  /** Whether the last {@link Journal.touch} found that the file is not in place: a record appended to it would be lost. */
  get isDisplaced(): boolean {
    return this.#isDisplaced;
  }

  /** As {@link Journal.read}. @returns `undefined` if the descriptor is dead: the disk was removed, or other code closed it. */
  readIfAlive(isSelected?: (log: WriterLog) => boolean): JournalContents | undefined {
    return quietly(() => this.read(isSelected));
  }

  /** See {@link RecordLog.read}. */
  read(isSelected: (log: WriterLog) => boolean = () => false, contents?: Contents): JournalContents {
    return this.#log.read(isSelected, contents);
  }

  /** Copies the records of writers to a new journal, all or nothing. Throws if that failed. */
  copyTo(target: Journal, logs: ReadonlyMap<string, WriterLog>): void {
    target.handle.appendPieces(journalText(logs, this.#log.entriesOf(logs)));
    target.read();
  }

  /** Renews the heartbeat of the owner, if the file is in place. @param seconds - Unix time. @returns Whether the file is in place. */
  touch(seconds: number): boolean {
    this.#isDisplaced = !this.handle.isInPlace();
    if (!this.#isDisplaced) this.handle.touch(seconds);
    return !this.#isDisplaced;
  }

  /**
   * Closes the journal. A drained file is deleted, another one remains without an owner; unreadable lines are never deleted.
   * Throws if the file could not be released; calling again is harmless.
   */
  release(): void {
    const handle = this.handle;
    try {
      // The file was never created.
      if (!handle.isOpen && handle.size === 0) return;
      // Another file at the path must be neither deleted nor renamed.
      if (handle.isOpen && !handle.isAtPath()) return;
      if (this.isDrained && !this.#log.isNewer) {
        this.#log.copyUnreadable();
        handle.unlink();
      } else {
        handle.rename(this.#files.folder.pathOf(journalName({ owner: undefined, file: this.file })));
      }
    } catch (error) {
      // ENOENT: the file was deleted meanwhile.
      if (codeOf(error) !== 'ENOENT') throw error;
    } finally {
      this.close();
    }
  }

  /** Closes the journal and deletes its file if possible; the records are in another journal too. */
  delete(): void {
    this.close();
    // If that fails, the adopter of the file sends its entries a second time.
    this.#files.unlinkQuietly(this.handle.path);
  }

  close(): void {
    this.handle.close();
  }

  /**
   * Moves the live records to a new file: the disk failed, or the path leads to another file. An unreadable file is not deleted.
   *
   * @returns Whether all live records were moved.
   * @throws {@link StorageException} if the new file could not be written; calling again is harmless.
   */
  renew(name: JournalName): boolean {
    const { path } = this.handle;
    const isOldReachable = this.handle.isReachable();
    const { entries } = this.live;
    const contents = quietly(() => this.#log.readContents());
    try {
      this.#files.folder.make();
      this.#log.rewrite(contents, name);
      this.#isDisplaced = false;
    } catch (error) {
      throw storageException(error, this.#files.folder.pathOf(journalName(name)));
    }
    // The new name is synced before the old file is deleted.
    this.handle.syncFolderQuietly();
    // If the deletion fails, the adopter of the old file sends its entries a second time.
    if (isOldReachable && contents !== undefined) this.#files.unlinkQuietly(path);
    return contents !== undefined && this.live.entries >= entries;
  }
}
