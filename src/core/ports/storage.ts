import type { Destination } from '../model/destination.js';
import type { StoredEntry } from '../model/entry.js';
import type { Warning } from '../model/events.js';
import type { Durability } from '../model/status.js';
import type { Value } from '../model/value.js';
import type { Clock } from '../time/clock.js';

/**
 * Port: the place where committed entries wait for their push. One adapter may serve any number of `Api`s; each `Api` opens a
 * writer of its own, so that no `Api` can overwrite the entries of another.
 *
 * @group For storage adapters of your own
 */
export interface StorageAdapter {
  /** The events that a saved entry survives. */
  readonly durability: Durability;
  /** Opens a new writer. Synchronous and cheap: entries left behind by other writers are not read before {@link Writer.adopt}. */
  open(destination: Destination, clock: Clock): Writer;
}

/**
 * Options of {@link Writer.save}.
 *
 * @group For storage adapters of your own
 */
export interface SaveOptions {
  /** Whether the entry was made of the staged values: the saved staged values are removed with it. */
  readonly clearsStaged: boolean;
}

/**
 * Options of {@link Writer.adopt}.
 *
 * @group For storage adapters of your own
 */
export interface AdoptOptions {
  /** `true` in the first call of an `Api`: only this call adopts staged values too. */
  readonly isFirst: boolean;
}

/**
 * One run of one `Api` in a storage. All methods but {@link Writer.adopt} are synchronous, because `commit()` promises that the
 * entry is saved when it returns, and a page that is being hidden may not run another task.
 *
 * @group For storage adapters of your own
 */
export interface Writer {
  /**
   * Random; new for each run, and renewed after {@link Writer.check} reported that another writer fenced this writer. Together with
   * a sequence number it forms the id of an entry.
   */
  readonly id: string;
  /** The sequence number after which this writer goes on, where its id was used before. Default: 0. */
  readonly lastSequence?: number;
  /**
   * Checks that the saved entries still exist and still belong to this writer. Cheap: called before each entry.
   *
   * @returns Each loss once; `undefined` if nothing was lost.
   */
  check(): OwnershipLoss | undefined;
  /**
   * Saves an entry of this writer, whole or not at all.
   *
   * @throws {@link StorageException} if the entry could not be saved.
   */
  save(entry: StoredEntry, options: SaveOptions): void;
  /**
   * Saves own and adopted entries again that were deleted from the storage, under their original ids.
   *
   * @throws {@link StorageException} if not all could be saved; calling again with the same entries is harmless.
   */
  saveAgain(entries: readonly StoredEntry[]): void;
  /**
   * Removes own and adopted entries; unknown entries are ignored.
   *
   * @throws {@link StorageException} if the removal could not be written; calling again with the same entries is harmless.
   */
  remove(entries: readonly StoredEntry[]): void;
  /**
   * Saves the `rejection` of each own or adopted entry, so that it is still in quarantine after its next adoption. A later
   * `rejection` replaces an earlier one. Unknown entries are ignored.
   *
   * @throws {@link StorageException} if a `rejection` could not be written; calling again with the same entries is harmless.
   */
  quarantine(entries: readonly StoredEntry[]): void;
  /** Replaces the saved staged values. Best effort: a failure is ignored. */
  saveStaged(values: readonly Value[]): void;
  /**
   * Adopts entries left behind by dead writers of the same destination, without moving them. Never rejects, and ends in bounded time.
   */
  adopt(options: AdoptOptions): Promise<Adoption>;
  /**
   * Releases all entries at once, so that other writers can adopt them. A closed writer reports no loss and saves nothing.
   *
   * @param saved - Returns the entries that should be saved, for a storage that notices only now that some were deleted.
   * Idempotent.
   */
  close(saved?: () => readonly StoredEntry[]): void;
}

/**
 * A loss of saved data that {@link Writer.check} reports.
 *
 * @group For storage adapters of your own
 */
export type OwnershipLoss =
  | {
      /** Another writer presumed this writer dead, after minutes without a heartbeat, and adopted its entries. */
      readonly kind: 'fenced';
      /** The ids of the writers whose entries the adopter pushes now: the former id of this writer, and ids of writers that it had adopted. */
      readonly writers: ReadonlySet<string>;
      /** Whether the staged values no longer belong to this writer: the adopter has them, or the next writer to start will. */
      readonly isStagedFenced: boolean;
    }
  | {
      /** The user or the host page deleted the saved data, or it became unreadable. The caller has to save its queued entries again. */
      readonly kind: 'cleared';
    };

/** The interval between two scans for entries left behind by other writers, in seconds. */
export const RECOVERY_INTERVAL_SECONDS = 30;

/**
 * The result of {@link Writer.adopt}.
 *
 * @group For storage adapters of your own
 */
export interface Adoption {
  /** The adopted entries, for each writer in the order of their commit; entries in quarantine have their `rejection`. */
  readonly entries: readonly StoredEntry[];
  /** The staged values of the most recent dead run; empty if there are none. */
  readonly staged: readonly Value[];
  /** A warning for each set of entries that could not be adopted. */
  readonly warnings: readonly Warning[];
  /** The delay until the next scan, in seconds; absent if no other writer can leave entries behind during this run. */
  readonly lookAgainSeconds?: number;
  /**
   * Of `entries`, those that count as committed by this run, with the seconds since their commit, oldest first: for a storage whose
   * runs act as one, as the calls of a command do. Default: none.
   */
  readonly live?: Iterable<readonly [entry: StoredEntry, secondsAgo: number]>;
  /** The last committed values of fields, which dead bands go on from. Default: none. */
  readonly lastValues?: readonly LastValue[];
}

/**
 * The last committed value of a field.
 *
 * @group For storage adapters of your own
 */
export interface LastValue extends Value {
  /** The time since its commit, in seconds. */
  readonly secondsAgo: number;
}
