import type { QueuedEntry, StoredEntry } from '../model/entry.js';
import type { FailedOperation } from '../notify/warnings.js';
import type { OwnershipLoss, Writer } from '../ports/storage.js';

/** The contents that a {@link StorageSync} keeps in the storage. */
export interface SyncedContents {
  /** `false` keeps committed entries only in memory. */
  readonly saves: boolean;
  /** The queue and the quarantine, read anew at each use; oldest first. */
  readonly contents: readonly Iterable<QueuedEntry>[];
}

const OF_STAGED = { clearsStaged: true };
const RESTORED = { clearsStaged: false };

/**
 * Mirrors the queue and the quarantine in the storage. A failed operation is kept in memory and retried; a crash before the
 * retry causes a duplicate, never a loss.
 */
export class StorageSync {
  readonly #writer: Writer;
  readonly #synced: SyncedContents;
  /** Entries that left the outbox, and are not removed from the storage yet. */
  #unremoved: readonly StoredEntry[] = [];
  /** Entries in quarantine whose rejection is not saved yet. */
  #unquarantined: readonly StoredEntry[] = [];
  /** Whether saved entries were deleted, and are not saved again yet. */
  #isCleared = false;

  constructor(writer: Writer, synced: SyncedContents) {
    this.#writer = writer;
    this.#synced = synced;
  }

  /** See {@link Writer.id}. */
  get writerId(): string {
    return this.#writer.id;
  }

  /** See {@link Writer.check}. Deleted entries are saved again at the next {@link StorageSync.retry}. */
  reconcile(): OwnershipLoss | undefined {
    const loss = this.#readLoss();
    if (loss?.kind === 'fenced') {
      const isLeft = ({ writer }: StoredEntry): boolean => !loss.writers.has(writer);
      this.#unremoved = this.#unremoved.filter(isLeft);
      this.#unquarantined = this.#unquarantined.filter(isLeft);
    }
    this.#isCleared ||= loss?.kind === 'cleared';
    // Older entries are saved again before a newer entry is saved.
    if (loss === undefined && this.#isCleared) this.retry();
    return loss;
  }

  /** Ignores failures: a storage that can't be read at the moment must not stop the client. */
  #readLoss(): OwnershipLoss | undefined {
    try {
      return this.#writer.check();
    } catch {
      return undefined;
    }
  }

  /** @throws {@link StorageException} if the entry could not be saved. */
  save(entry: QueuedEntry): void {
    if (this.#synced.saves) this.#writer.save(entry, entry.origin === 'committed' ? OF_STAGED : RESTORED);
  }

  /** Whether the storage holds the entry: adopted entries are saved even if the option is off. */
  isSaved(entry: QueuedEntry): boolean {
    return this.#synced.saves || entry.origin === undefined;
  }

  remove(entries: readonly StoredEntry[]): void {
    this.#unremoved = this.#unremoved.length === 0 ? entries : [...this.#unremoved, ...entries];
    if (this.#unquarantined.length > 0) {
      const removed = new Set(entries);
      this.#unquarantined = this.#unquarantined.filter((entry) => !removed.has(entry));
    }
    this.retry();
  }

  /** @param entries - Each with its `rejection`. */
  quarantine(entries: readonly StoredEntry[]): void {
    this.#unquarantined = [...this.#unquarantined, ...entries];
    this.retry();
  }

  /** Retries each failed operation. @returns The first operation that failed again. */
  retry(): FailedOperation | undefined {
    const hasRemoved = succeeds(() => {
      if (this.#unremoved.length > 0) this.#writer.remove(this.#unremoved);
      this.#unremoved = [];
    });
    const hasSaved = succeeds(() => {
      if (this.#isCleared) this.#writer.saveAgain(this.#savedContents);
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

  /** Releases the saved entries, for another run to adopt. */
  close(): void {
    this.#writer.close(() => this.#savedContents);
  }

  get #savedContents(): QueuedEntry[] {
    return this.#synced.contents.flatMap((entries) => [...entries]).filter((entry) => this.isSaved(entry));
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
