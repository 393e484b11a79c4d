import type { QueuedEntry, StoredEntry } from '../model/entry.js';
import type { FailedOperation } from '../notify/warnings.js';
import type { Loss, Writer } from '../ports/storage.js';

/**
 * Keeps the storage as the queue and the quarantine are. What it fails at is noted in memory and tried again: a crash before
 * that costs a duplicate, never a loss.
 */
export class StorageSync {
  readonly #writer: Writer;
  readonly #saves: boolean;
  readonly #wanted: () => QueuedEntry[];
  /** Done with, and not yet removed. */
  #unremoved: readonly StoredEntry[] = [];
  /** In quarantine, and not yet noted as that. */
  #unquarantined: readonly StoredEntry[] = [];
  /** Deleted underneath, and not yet saved again. */
  #isCleared = false;

  /**
   * @param saves - `false` to keep what is committed in memory alone.
   * @param held - All that is to be in the storage, oldest first.
   */
  constructor(writer: Writer, saves: boolean, held: () => QueuedEntry[]) {
    this.#writer = writer;
    this.#saves = saves;
    this.#wanted = held;
  }

  /** See {@link Writer.id}. */
  get writerId(): string {
    return this.#writer.id;
  }

  /** See {@link Writer.check}. What was deleted is saved again at the next {@link StorageSync.retry}. */
  reconcile(): Loss | undefined {
    const loss = this.#readLoss();
    if (loss?.kind === 'taken') {
      const isLeft = ({ writer }: StoredEntry): boolean => !loss.writers.has(writer);
      this.#unremoved = this.#unremoved.filter(isLeft);
      this.#unquarantined = this.#unquarantined.filter(isLeft);
    }
    this.#isCleared ||= loss?.kind === 'cleared';
    // Nothing newer is to be saved before what is older.
    if (loss === undefined && this.#isCleared) this.retry();
    return loss;
  }

  /** A storage that can't be asked now keeps nobody from going on. */
  #readLoss(): Loss | undefined {
    try {
      return this.#writer.check();
    } catch {
      return undefined;
    }
  }

  /** @throws {@link StorageException} if it could not be saved. */
  save(entry: StoredEntry, forgetStaged: boolean): void {
    if (this.#saves) this.#writer.save(entry, forgetStaged);
  }

  /** What was adopted is saved whatever was asked for. */
  isSaved(entry: QueuedEntry): boolean {
    return this.#saves || entry.origin === undefined;
  }

  remove(entries: readonly StoredEntry[]): void {
    this.#unremoved = this.#unremoved.length === 0 ? entries : [...this.#unremoved, ...entries];
    if (this.#unquarantined.length > 0) {
      const removed = new Set(entries);
      this.#unquarantined = this.#unquarantined.filter((entry) => !removed.has(entry));
    }
    this.retry();
  }

  /** @param entries - Each with its `refusal`. */
  quarantine(entries: readonly StoredEntry[]): void {
    this.#unquarantined = [...this.#unquarantined, ...entries];
    this.retry();
  }

  /** Tries again what the storage failed at, each whatever becomes of the others. @returns The first that it still fails at. */
  retry(): FailedOperation | undefined {
    const hasRemoved = succeeds(() => {
      if (this.#unremoved.length > 0) this.#writer.remove(this.#unremoved);
      this.#unremoved = [];
    });
    const hasSaved = succeeds(() => {
      if (this.#isCleared) this.#writer.saveAgain(this.#wanted().filter((entry) => this.isSaved(entry)));
      this.#isCleared = false;
    });
    const hasQuarantined = succeeds(() => {
      if (this.#unquarantined.length > 0) this.#writer.quarantine(this.#unquarantined);
      this.#unquarantined = [];
    });
    if (!hasRemoved) return 'remove';
    if (!hasSaved) return 'save';
    return hasQuarantined ? undefined : 'quarantine';
  }
}

function succeeds(operation: () => void): boolean {
  try {
    operation();
    return true;
  } catch {
    return false;
  }
}
