import { type Binding, sameBinding } from '../core/binding.js';
import type { Clock } from '../core/clock.js';
import type { StoredEntry } from '../core/entry.js';
import type { Warning } from '../core/events.js';
import type { Adoption } from '../core/storage.js';
import type { Value } from '../core/value.js';
import {
  findWriters,
  lockName,
  type Remains,
  readEntries,
  readStaged,
  stagedKey,
  type WebStorageLike,
  writerKey,
} from './web-keys.js';
import { type LocksLike, namesOfLiving, type Release, tryLock } from './web-lease.js';

/** A writer must be found without its lock twice, this far apart: a new one may save before its lock is granted. */
const BETWEEN_LOOKS_MS = 1000;
/** A reload looks before the browser has freed the locks of the page that it replaces: those need a look more. */
const MAX_LOOKS = 3;
/** A lock reaches the next tab before the last changes of the one that had it do: with 20 ms, none of 150 was late. */
const SETTLE_MS = 100;
const LOOK_AGAIN_SECONDS = 30;

/** What is gathered while looking. */
interface Gathered {
  readonly entries: StoredEntry[];
  readonly staged: { readonly run: number; readonly values: readonly Value[] }[];
  readonly warnings: Warning[];
}

/** A dead writer whose lock this one holds. */
interface Adopted {
  readonly release: Release;
  /** What is still queued of it. */
  readonly sequences: Set<number>;
  /** How many of its records can't be read. */
  readonly unreadable: number;
}

/** Takes over what dead writers of one binding left, in place: their keys stay, their locks are this writer's from then on. */
export class WebAdoption {
  readonly #storage: WebStorageLike;
  readonly #locks: LocksLike;
  readonly #own: string;
  readonly #binding: Binding;
  readonly #clock: Clock;
  readonly #adopted = new Map<string, Adopted>();
  /** Writers of which nothing that can be read is left. */
  readonly #spent = new Set<string>();
  #closed = false;

  constructor(storage: WebStorageLike, locks: LocksLike, own: string, binding: Binding, clock: Clock) {
    this.#storage = storage;
    this.#locks = locks;
    this.#own = own;
    this.#binding = binding;
    this.#clock = clock;
  }

  /** See `Writer.adopt`. */
  async adopt(atStart: boolean): Promise<Adoption> {
    const gathered: Gathered = { entries: [], staged: [], warnings: [] };
    try {
      await this.#look(atStart, gathered);
    } catch {
      // Where the locks or the storage can't be asked now, what was taken until then counts.
    }
    const [latest] = gathered.staged.sort((one, other) => other.run - one.run);
    const { entries, warnings } = gathered;
    return { entries, staged: latest?.values ?? [], warnings, lookAgainSeconds: LOOK_AGAIN_SECONDS };
  }

  async #look(atStart: boolean, gathered: Gathered): Promise<void> {
    let freeBefore = new Set<string>();
    for (let look = 0; look < MAX_LOOKS && !this.#closed; look++) {
      if (look > 0) await this.#wait(BETWEEN_LOOKS_MS);
      const others = this.#findOthers(atStart);
      if (others.size === 0) return;
      const living = await namesOfLiving(this.#locks);
      const free = [...others].filter(([writer]) => !living.has(lockName(writer)));
      gathered.warnings.push(...this.#strangers(free));
      const dead = free
        .filter(([, { binding }]) => binding && sameBinding(binding, this.#binding))
        .map(([name]) => name);
      await this.#take(
        dead.filter((writer) => freeBefore.has(writer)),
        atStart,
        gathered,
      );
      if (look > 0 && dead.every((writer) => freeBefore.has(writer))) return;
      freeBefore = new Set(dead);
    }
  }

  /** To be called after the keys of entries were removed: lets go of writers of which nothing is left. */
  removed(entries: readonly StoredEntry[]): void {
    for (const { writer, sequence } of entries) {
      const adopted = this.#adopted.get(writer);
      if (adopted?.sequences.delete(sequence) && adopted.sequences.size === 0) this.#letGo(writer, adopted);
    }
  }

  /** Gives back everything, to be adopted by others. */
  close(): void {
    this.#closed = true;
    for (const { release } of this.#adopted.values()) release();
    this.#adopted.clear();
  }

  /** The other writers that left something to take; staged values count only at the start. */
  #findOthers(atStart: boolean): Map<string, Remains> {
    const writers = findWriters(this.#storage);
    for (const [writer, { sequences }] of writers) {
      const held = writer === this.#own || this.#adopted.has(writer) || this.#spent.has(writer);
      if (held || (sequences.length === 0 && !atStart)) writers.delete(writer);
    }
    return writers;
  }

  async #take(writers: readonly string[], atStart: boolean, gathered: Gathered): Promise<void> {
    const taken: [string, Release][] = [];
    for (const writer of writers) {
      const release = await tryLock(this.#locks, lockName(writer));
      if (release !== undefined) taken.push([writer, release]);
    }
    if (taken.length > 0) await this.#wait(SETTLE_MS);
    for (const [writer, release] of taken) {
      try {
        if (this.#closed) release();
        else this.#read(writer, findWriters(this.#storage).get(writer)?.sequences ?? [], release, atStart, gathered);
      } catch {
        // Left as it is, for the next look.
        release();
      }
    }
  }

  #read(writer: string, left: readonly number[], release: Release, atStart: boolean, gathered: Gathered): void {
    const { entries, unreadable } = readEntries(this.#storage, writer, left);
    const staged = atStart ? readStaged(this.#storage, writer) : undefined;
    // Forgotten before they are staged again: lost by a crash in between, but never there twice.
    if (staged !== undefined) this.#storage.removeItem(stagedKey(writer));
    for (const entry of entries) gathered.entries.push(entry);
    if (staged !== undefined) gathered.staged.push(staged);
    if (unreadable > 0) gathered.warnings.push(unreadableRecords(writer, unreadable));
    const adopted = { release, sequences: new Set(entries.map((entry) => entry.sequence)), unreadable };
    if (entries.length === 0) this.#letGo(writer, adopted);
    else this.#adopted.set(writer, adopted);
  }

  #letGo(writer: string, { release, unreadable }: Adopted): void {
    this.#adopted.delete(writer);
    this.#spent.add(writer);
    try {
      if (unreadable === 0 && this.#storage.getItem(stagedKey(writer)) === null) {
        this.#storage.removeItem(writerKey(writer));
      }
    } finally {
      release();
    }
  }

  /** What lies here that this `Api` can't push. */
  #strangers(free: readonly (readonly [string, Remains])[]): Warning[] {
    return free.flatMap(([writer, { binding, sequences }]): Warning[] => {
      if (sequences.length === 0 || (binding && sameBinding(binding, this.#binding))) return [];
      return [binding ? entriesWaiting(binding) : unreadableRecords(writer, sequences.length)];
    });
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimer(resolve, milliseconds, true));
  }
}

function entriesWaiting({ deviceId, baseUrl }: Binding): Warning {
  return {
    code: 'entries-waiting',
    message: `Entries committed for device ${deviceId} at ${baseUrl} wait in this storage. They are safe; an Api with that deviceId and baseUrl pushes them.`,
  };
}

function unreadableRecords(writer: string, count: number): Warning {
  return {
    code: 'unreadable-records',
    message: `Some records under ${JSON.stringify(lockName(writer))} can't be read (${count} in all), as they are damaged or of a newer version. They are left where they are.`,
  };
}
