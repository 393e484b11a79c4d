import type { Contents, WriterLog } from '../../shared/journal/contents.js';
import { unreadableIn } from '../../shared/journal/contents.js';
import { encodeTombstone } from '../../shared/journal/journal-text.js';
import { RecordLog } from '../../shared/journal/record-log.js';
import type { FileHandle } from './file-handle.js';
import { writeAndClose } from './file-io.js';
import { type JournalName, journalName } from './journal-name.js';
import { type SafeFiles, SYNCED } from './safe-files.js';

/** The records in a file that a new one with another name replaces. */
export class FileRecordLog extends RecordLog {
  readonly #files: SafeFiles;
  readonly #handle: FileHandle;
  readonly #isNew: boolean;
  #name: JournalName;

  constructor(files: SafeFiles, handle: FileHandle, { name, isNew }: { name: JournalName; isNew: boolean }) {
    super(handle, { isNew });
    this.#files = files;
    this.#handle = handle;
    this.#name = name;
    this.#isNew = isNew;
  }

  get name(): JournalName {
    return this.#name;
  }

  /** @param name - The name of the new file. */
  rewrite(contents: Contents | undefined, name = this.#name): void {
    this.rewriteBy(contents, (pieces, logs) => {
      this.copyUnreadable();
      this.#handle.replace(this.#files.folder.pathOf(journalName(name)), pieces, this.#tombstone(logs));
      this.#name = name;
      return false;
    });
  }

  /** Copies unreadable lines to a file beside the journal, which is never deleted. Throws if that failed. */
  copyUnreadable(): void {
    if (!this.hasUnreadable) return;
    const path = this.#files.folder.pathOf(`nikdev-iot-1_${this.#name.file}.unreadable`);
    writeAndClose(this.#files.io, this.#files.openOrCreate(path, SYNCED), unreadableIn(this.#handle.lines()));
    this.onUnreadableCopied();
  }

  /**
   * A former owner that was wrongly presumed dead has the old file open, and must learn of the adoption from this file, even after
   * the new one is deleted.
   */
  #tombstone(logs: ReadonlyMap<string, WriterLog>): (() => string) | undefined {
    return this.#isNew ? undefined : () => encodeTombstone(logs);
  }
}
