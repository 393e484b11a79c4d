import type { Binding } from '../model/destination.js';
import type { StoredEntry } from '../model/entry.js';
import type { Warning } from '../model/events.js';
import type { Durability } from '../model/status.js';
import type { Value } from '../model/value.js';
import type { Clock } from '../time/clock.js';

/**
 * Port: where committed entries wait for their push. One adapter object may serve any number of `Api`s; each opens a
 * writer of its own, so that none can overwrite another's entries.
 *
 * @group For storage adapters of your own
 */
export interface StorageAdapter {
  /** What a saved entry survives here. */
  readonly durability: Durability;
  /** Opens a new writer. Synchronous and cheap: nothing that others left is looked at before {@link Writer.adopt}. */
  open(binding: Binding, clock: Clock): Writer;
}

/**
 * One run of one `Api` in a storage. All but {@link Writer.adopt} is synchronous, because `commit()` promises that the
 * entry is saved when it returns, and a page that is being hidden has no later.
 *
 * @group For storage adapters of your own
 */
export interface Writer {
  /** Random, new for each run, and after {@link Writer.check} told that it was taken. With a sequence number it makes an entry's id. */
  readonly id: string;
  /**
   * Looks whether what was saved is still there, and still this writer's. Cheap: it is asked before each entry.
   *
   * @returns What happened behind this writer's back, once; `undefined` where all is well.
   */
  check(): Loss | undefined;
  /**
   * Saves an entry of this writer, whole or not at all.
   *
   * @param forgetStaged - `true` if the entry was made of the staged values: those saved are forgotten with it.
   * @throws {@link StorageException} if it could not be saved.
   */
  save(entry: StoredEntry, forgetStaged: boolean): void;
  /**
   * Saves entries that were deleted underneath, this writer's and adopted ones, under the ids that they have.
   *
   * @throws {@link StorageException} if not all could be saved; calling again with the same entries is harmless.
   */
  saveAgain(entries: readonly StoredEntry[]): void;
  /**
   * Forgets entries, this writer's or adopted ones; unknown ones are ignored.
   *
   * @throws {@link StorageException} if that could not be written; calling again with the same entries is harmless.
   */
  remove(entries: readonly StoredEntry[]): void;
  /**
   * Notes that entries, this writer's or adopted ones, are in quarantine: each has its `refusal`, with which it comes back
   * when it is adopted; a later note replaces it. Unknown ones are ignored.
   *
   * @throws {@link StorageException} if that could not be written; calling again with the same entries is harmless.
   */
  quarantine(entries: readonly StoredEntry[]): void;
  /** Saves the staged values in place of those saved before. Best effort: a failure is swallowed. */
  saveStaged(values: readonly Value[]): void;
  /**
   * Takes over, in place, what dead writers of the same binding left. Never rejects, and ends in bounded time.
   *
   * @param atStart - `true` in an `Api`'s first call: only then do staged values come back.
   */
  adopt(atStart: boolean): Promise<Adoption>;
  /**
   * Releases everything at once: what this writer holds can be adopted. From then on it tells nothing and saves nothing
   * again. Idempotent.
   */
  close(): void;
}

/**
 * What {@link Writer.check} finds.
 *
 * @group For storage adapters of your own
 */
export type Loss =
  | {
      /** Another presumed this writer dead, as it gave no sign of life for minutes, and took over what it had saved. */
      readonly kind: 'taken';
      /** The writers whose entries that one pushes now: this one, under the id that it had, and those that it had adopted. */
      readonly writers: ReadonlySet<string>;
      /** Whether it has the staged values, too, or whoever starts next will: they are no longer this writer's. */
      readonly isStagedTaken: boolean;
    }
  | {
      /** What was saved was deleted, by the user or the host page, or can't be read any more. What is still wanted is to be saved again. */
      readonly kind: 'cleared';
    };

/** How often it is worth looking for what others have left since, in seconds. */
export const RECOVERY_INTERVAL_SECONDS = 30;

/**
 * What {@link Writer.adopt} took over.
 *
 * @group For storage adapters of your own
 */
export interface Adoption {
  /** In the order of their commit, for each writer; those in quarantine among them have their `refusal`. */
  readonly entries: readonly StoredEntry[];
  /** The staged values of the most recent dead run; empty where there are none. */
  readonly staged: readonly Value[];
  /** What could not be taken over, and why. */
  readonly warnings: readonly Warning[];
  /** Seconds until it is worth looking again; absent where nothing can be left while this run lasts. */
  readonly lookAgainSeconds?: number;
}
