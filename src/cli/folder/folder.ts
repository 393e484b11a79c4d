import { systemPlatform } from '../../storage/file/journal/file-system.js';
import { SafeFiles } from '../../storage/file/journal/safe-files.js';
import { FolderJournal } from './folder-journal.js';
import { FolderLock } from './folder-lock.js';
import { LastValues } from './last-values.js';
import { PushState } from './push-state.js';
import { StagedFile } from './staged-file.js';

/**
 * A folder of readings: one journal, one set of staged values, the times of pushes, and two locks. Appending and reading hold
 * `lock` while they last; a process that uploads, removes or rewrites holds `pushLock` until it ends.
 */
export class Folder {
  readonly files: SafeFiles;
  readonly lock: FolderLock;
  readonly pushLock: FolderLock;
  readonly journal: FolderJournal;
  readonly staged: StagedFile;
  readonly lastValues: LastValues;
  readonly pushState: PushState;
  #isHeld = false;

  constructor(path: string, platform = systemPlatform()) {
    this.files = new SafeFiles(platform, path);
    const processes = { ...platform, openStores: new Set<string>() };
    this.lock = new FolderLock(this.files, processes, 'lock');
    this.pushLock = new FolderLock(this.files, processes, 'push-lock');
    this.journal = new FolderJournal(this.files);
    this.staged = new StagedFile(this.files, this.journal);
    this.lastValues = new LastValues(this.files, this.journal);
    this.pushState = new PushState(this.files);
  }

  /** Before anything but a commit of one call is written at the end of the journal, which shows what belongs to which commit. */
  settle(): void {
    this.staged.settle();
    this.lastValues.settle();
  }

  /** Runs a step under the lock. @throws {@link LockedException} if another process works in the folder for 5 s. */
  locked<Result>(run: () => Result): Result {
    if (this.#isHeld) return run();
    const held = this.lock.acquire();
    try {
      return run();
    } finally {
      held.release();
    }
  }

  /** Runs several steps under the lock: {@link Folder.locked} does not wait for it meanwhile. */
  async hold<Result>(run: () => Promise<Result>): Promise<Result> {
    const held = this.lock.acquire();
    this.#isHeld = true;
    try {
      return await run();
    } finally {
      this.#isHeld = false;
      held.release();
    }
  }
}
