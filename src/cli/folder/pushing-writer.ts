import type { Destination } from '../../core/model/destination.js';
import { entryId, type StoredEntry } from '../../core/model/entry.js';
import { isStorageFull, StorageException } from '../../core/model/exceptions.js';
import type { Value } from '../../core/model/value.js';
import {
  type Adoption,
  type AdoptOptions,
  type OwnershipLoss,
  RECOVERY_INTERVAL_SECONDS,
  type StorageAdapter,
  type Writer,
} from '../../core/ports/storage.js';
import { BACKGROUND, type Clock } from '../../core/time/clock.js';
import { quarantineRecord } from '../../storage/shared/journal/journal-text.js';
import { encodeEntry, encodeRemoved, encodeWriter } from '../../storage/shared/journal/record.js';
import { quietly } from '../../storage/shared/quietly.js';
import { RangeSet } from '../../storage/shared/range-set.js';
import { isLocked } from '../exit.js';
import type { Folder } from './folder.js';
import { newWriterOf } from './folder-journal.js';
import { HEARTBEAT_MS, type HeldLock } from './folder-lock.js';
import { type CommittingOptions, FolderStaging, liveIn, warningsOf } from './folder-storage.js';

/** The journal is tidied when it has grown by this much, or has doubled. */
const SLACK_BYTES = 64 * 1024;

/**
 * Has all entries of a folder in memory, and may remove them. Its caller holds the folder's push lock as long as it is open;
 * others may commit meanwhile, at the end of the journal.
 */
class PushingWriter implements Writer {
  readonly id: string;
  readonly #folder: Folder;
  readonly #held: HeldLock;
  readonly #destination: Destination;
  readonly #stopBeating: () => void;
  /** Present if it stages, too: then its caller holds the folder's lock as well. */
  readonly #staging: FolderStaging | undefined;
  /** 0 if no entry is live. */
  readonly #liveSeconds: number;
  /** By writer, the entries that were handed out or saved here. */
  readonly #known = new Map<string, RangeSet>();
  /** The writers whose destination this run has written since the journal was rewritten. */
  #registered = new Set<string>();
  /** How many of the known entries are not removed. */
  #live = 0;
  /** That of the journal after the last write here. */
  #identity: string | undefined;
  #size = 0;
  #tidyAt = SLACK_BYTES;
  #isOpen = true;
  /** Whether the disk had no space for the last entry. */
  #isFull = false;

  constructor(folder: Folder, options: PushingOptions, destination: Destination, clock: Clock) {
    const { held, committing, liveSeconds = 0 } = options;
    this.#folder = folder;
    this.#held = held;
    this.#destination = destination;
    this.id = newWriterOf(destination);
    this.#staging = committing && new FolderStaging(folder, destination, committing);
    this.#liveSeconds = liveSeconds;
    let cancel = (): void => {};
    const beat = (): void => {
      held.beat();
      cancel = clock.setTimer(beat, HEARTBEAT_MS, BACKGROUND);
    };
    beat();
    this.#stopBeating = () => cancel();
  }

  check(): OwnershipLoss | undefined {
    if (!this.#isOpen) return undefined;
    // A process that was stopped for minutes: another pushes the entries now.
    if (!this.#held.isHeld()) return this.#fenced();
    if (this.#live === 0 || this.#folder.journal.identity === this.#identity) return undefined;
    this.#identity = this.#folder.journal.identity;
    return { kind: 'cleared' };
  }

  save(entry: StoredEntry): void {
    try {
      this.#exclusively(() => this.#commit(entry));
    } catch (error) {
      this.#isFull = isStorageFull(error);
      throw error;
    }
    this.#registered.add(entry.writer);
    this.#add(entry);
  }

  saveAgain(entries: readonly StoredEntry[]): void {
    this.#locked(() => {
      const saved = new Set(this.#folder.journal.read(this.#destination).entries.map(entryId));
      const missing = entries.filter((entry) => !saved.has(entryId(entry)));
      this.#registered.clear();
      if (missing.length === 0) return;
      this.#folder.lastValues.remove();
      this.#append(this.#textOf(missing), true);
      for (const { writer } of missing) this.#registered.add(writer);
    });
  }

  remove(entries: readonly StoredEntry[]): void {
    const removed = new Map<string, RangeSet>();
    for (const { writer, sequence } of entries) {
      if (this.#known.get(writer)?.has(sequence)) setOf(removed, writer).add(sequence);
    }
    if (removed.size === 0) return;
    this.#locked(() => this.#remove(removed, entries));
    for (const [writer, { ranges, size }] of removed) {
      this.#live -= size;
      for (const [first, last] of ranges) this.#known.get(writer)?.deleteRange(first, last);
    }
    // Not only what was known here: others may have committed since.
    if (this.#size > this.#tidyAt) this.#tidy();
  }

  quarantine(entries: readonly StoredEntry[]): void {
    const text = entries.map(quarantineRecord).join('');
    if (text !== '') this.#exclusively(() => this.#append(text, false));
  }

  saveStaged(values: readonly Value[]): void {
    this.#staging?.save(values);
  }

  async adopt({ isFirst }: AdoptOptions): Promise<Adoption> {
    if (!this.#isOpen) return { entries: [], staged: [], warnings: [] };
    const view = this.#locked(() => {
      this.#folder.settle();
      const isNew = ({ writer, sequence }: StoredEntry): boolean => !this.#known.get(writer)?.has(sequence);
      const read = this.#folder.journal.read(this.#destination, isNew);
      this.#note();
      return read;
    });
    for (const entry of view.entries) this.#add(entry);
    const warnings = warningsOf(view, this.#folder);
    return {
      entries: view.entries,
      live: liveIn(view.entries, this.#liveSeconds),
      warnings,
      lookAgainSeconds: RECOVERY_INTERVAL_SECONDS,
      ...((isFirst && this.#staging?.read()) || { staged: [] }),
    };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stopBeating();
    this.#tidy();
  }

  #fenced(): OwnershipLoss {
    const writers = new Set([this.id, ...this.#known.keys()]);
    this.#known.clear();
    this.#live = 0;
    return { kind: 'fenced', writers, isStagedFenced: false };
  }

  /** The entries as they are saved, each writer's destination before its first. */
  #textOf(entries: readonly StoredEntry[]): string {
    let text = '';
    // A C at the end of the journal is made of the staged values, and by a process that has ended when others see it.
    const kind = this.#staging ? 'C' : 'E';
    const registered = new Set(this.#registered);
    for (const entry of entries) {
      if (!registered.has(entry.writer)) text += encodeWriter(entry.writer, this.#destination);
      registered.add(entry.writer);
      text += encodeEntry(entry, kind) + quarantineRecord(entry);
    }
    return text;
  }

  #remove(removed: ReadonlyMap<string, RangeSet>, entries: readonly StoredEntry[]): void {
    const text = Array.from(removed, ([writer, { ranges }]) => encodeRemoved(writer, ranges)).join('');
    try {
      if (!this.#isFull) {
        this.#append(text, false);
        return;
      }
    } catch (error) {
      if (!isStorageFull(error)) throw error;
    }
    this.#folder.settle();
    this.#folder.journal.removeInPlace(entries);
    this.#isFull = false;
    this.#registered.clear();
    // An older commit may stand at the end now, whose id is not the last one: no id is drawn from it.
    quietly(() => this.#folder.journal.append(text, false));
    this.#note();
  }

  #commit(entry: StoredEntry): void {
    const save = (): void => this.#append(this.#textOf([entry]), true);
    if (this.#staging !== undefined) {
      this.#staging.commit(entry, save);
      return;
    }
    // The end of the journal will not show that they are out of date.
    this.#folder.lastValues.remove();
    save();
  }

  /** As {@link PushingWriter.#locked}, with an exception that a commit may throw. */
  #exclusively(run: () => void): void {
    try {
      this.#locked(run);
    } catch (error) {
      throw isLocked(error) ? new StorageException(error.message, { advice: error.advice }) : error;
    }
  }

  #append(text: string, isSynced: boolean): void {
    // Only the commit at the end of the journal shows that staged values were committed: settle them before anything follows it.
    this.#folder.settle();
    this.#folder.journal.append(text, isSynced);
    this.#note();
  }

  /** A failure is harmless: the next run tidies. */
  #tidy(): void {
    try {
      this.#locked(() => {
        this.#folder.settle();
        this.#folder.journal.tidy();
        this.#registered.clear();
        this.#note();
        this.#tidyAt = this.#size + Math.max(SLACK_BYTES, this.#size);
      });
    } catch {
      // See above.
    }
  }

  #locked<Result>(run: () => Result): Result {
    return this.#folder.locked(run);
  }

  #note(): void {
    this.#identity = this.#folder.journal.identity;
    this.#size = this.#folder.journal.size;
  }

  #add({ writer, sequence }: StoredEntry): void {
    if (setOf(this.#known, writer).add(sequence)) this.#live += 1;
  }
}

function setOf(sets: Map<string, RangeSet>, writer: string): RangeSet {
  const known = sets.get(writer);
  if (known !== undefined) return known;
  const set = new RangeSet();
  sets.set(writer, set);
  return set;
}

/** How a folder is pushed from. */
interface PushingOptions {
  /** The folder's push lock. */
  readonly held: HeldLock;
  /** Present if it stages, too. */
  readonly committing?: CommittingOptions | undefined;
  /** How long an entry is live, by its time. Default: 0. */
  readonly liveSeconds?: number | undefined;
}

/** For `push` and its kin. */
export const pushingStorage = (folder: Folder, options: PushingOptions): StorageAdapter => ({
  durability: 'power',
  open: (destination, clock) => new PushingWriter(folder, options, destination, clock),
});
