import { join } from 'node:path';
import { type Binding, bindingKey } from '../core/binding.js';
import type { Clock } from '../core/clock.js';
import type { StoredEntry } from '../core/entry.js';
import { randomId } from '../core/random-id.js';
import type { Adoption, Writer } from '../core/storage.js';
import { TOUCH_MS } from './file-finder.js';
import { makeFolder } from './file-io.js';
import { Journal } from './file-journal.js';
import { FileOrphans } from './file-orphans.js';
import { identify, journalName } from './file-owner.js';
import type { FilePlatform } from './file-system.js';
import { FileTakeover } from './file-takeover.js';

const LOOK_AGAIN_SECONDS = 30;
/** Each file that is taken over is kept open. */
const MAX_JOURNALS = 200;

/** What one storage object has in its folder: a journal for its own writers, and those of the dead that it took over. */
export class FileStore {
  readonly #platform: FilePlatform;
  readonly #directory: string;
  readonly #isSynced: boolean;
  readonly #takeover: FileTakeover;
  readonly #self: string;
  /** The writers that are open, by id. */
  readonly #living = new Set<string>();
  /** How many of them each binding has. */
  readonly #served = new Map<string, number>();
  readonly #isServed = (key: string): boolean => (this.#served.get(key) ?? 0) > 0;
  readonly #orphans = new FileOrphans();
  readonly #journals = new Set<Journal>();
  #own: Journal | undefined;
  /** Whether a writer was closed since the journals were last searched for orphans. */
  #hasLeft = false;
  #touched = { monotonic: 0, wall: 0 };
  #cancelTouch = (): void => {};

  constructor(platform: FilePlatform, directory: string, isSynced: boolean) {
    this.#platform = platform;
    this.#directory = directory;
    this.#isSynced = isSynced;
    this.#self = identify(platform);
    this.#takeover = new FileTakeover(platform, directory, isSynced, this.#self);
  }

  open(binding: Binding, clock: Clock): Writer {
    const id = randomId(clock);
    let run: number | undefined;
    /** The journal that holds its staged values. */
    let stagedIn: Journal | undefined;
    /** After a disk failed, they may stand in a file that is not written to any more. */
    const forgetStagedElsewhere = (journal: Journal): void => {
      if (stagedIn === undefined || stagedIn === journal || !this.#journals.has(stagedIn)) return;
      try {
        stagedIn.forgetStaged(id, binding, run ?? 0);
      } catch {
        // Then they come back after a crash: staged, not committed.
      }
    };
    if (this.#living.size === 0) this.#touchLater(clock);
    this.#living.add(id);
    this.#served.set(bindingKey(binding), (this.#served.get(bindingKey(binding)) ?? 0) + 1);
    return {
      id,
      save: (entry, forgetStaged) => {
        const journal = this.#journal(clock);
        // Before the entry: a crash in between loses staged values, but a commit never leaves them behind.
        if (forgetStaged) forgetStagedElsewhere(journal);
        journal.saveEntry(entry, binding, forgetStaged && stagedIn === journal);
        if (forgetStaged) stagedIn = undefined;
      },
      remove: (entries) => this.#remove(entries),
      saveStaged: (values) => {
        if (values.length === 0 && stagedIn === undefined) return;
        try {
          run ??= this.#nextRun();
          const journal = this.#journal(clock);
          forgetStagedElsewhere(journal);
          journal.saveStaged(id, binding, run, values);
          stagedIn = values.length > 0 ? journal : undefined;
        } catch {
          // Best effort: staged values are promised nothing before they are committed.
        }
      },
      adopt: async (atStart) => {
        // In a later turn: an Api that is closed in the task that opened it takes nothing.
        await undefined;
        return this.#adopt(id, binding, clock, atStart);
      },
      close: () => this.#close(id, binding),
    };
  }

  #remove(entries: readonly StoredEntry[]): void {
    for (const journal of this.#journals) journal.remove(entries);
    if (this.#journals.size > 1 || this.#own === undefined) this.#releaseSpent();
  }

  #adopt(id: string, binding: Binding, clock: Clock, atStart: boolean): Adoption {
    if (!this.#living.has(id)) return { entries: [], staged: [], warnings: [] };
    if (this.#hasLeft) this.#findLeft();
    const warnings = this.#takeover.look(clock, atStart, MAX_JOURNALS - this.#journals.size, {
      isOwn: (file) => this.#has(file),
      isServed: this.#isServed,
      takeIn: (journal, contents) => {
        this.#orphans.add(journal, contents, this.#living);
        this.#journals.add(journal);
      },
    });
    const { entries, staged } = this.#orphans.handOut(id, binding, atStart);
    this.#releaseSpent();
    return { entries, staged, warnings, lookAgainSeconds: LOOK_AGAIN_SECONDS };
  }

  /** Makes orphans of what closed writers left in the journals here. */
  #findLeft(): void {
    this.#hasLeft = false;
    this.#orphans.forget();
    for (const journal of this.#journals) {
      try {
        this.#orphans.add(journal, journal.read(), this.#living);
      } catch {
        this.#hasLeft = true;
      }
    }
  }

  #close(id: string, binding: Binding): void {
    if (!this.#living.delete(id)) return;
    this.#served.set(bindingKey(binding), (this.#served.get(bindingKey(binding)) ?? 1) - 1);
    this.#orphans.release(id);
    if (this.#living.size > 0) {
      this.#hasLeft = true;
      // What it left here is given back with this file, once the others are done with theirs in it.
      if (this.#own?.stock.has(id)) this.#own = undefined;
      this.#releaseSpent();
      return;
    }
    this.#cancelTouch();
    this.#orphans.forget();
    for (const journal of this.#journals) this.#release(journal);
  }

  /** Lets go of files that hold nothing more for the living here. */
  #releaseSpent(): void {
    for (const journal of this.#journals) {
      if (journal === this.#own || (!journal.isDrained && this.#isUsed(journal))) continue;
      this.#orphans.forget(journal);
      this.#release(journal);
    }
  }

  #isUsed(journal: Journal): boolean {
    for (const writer of journal.stock.writers) {
      if (this.#living.has(writer)) return true;
      if (this.#orphans.isAdopted(writer, journal) && journal.stock.hasEntriesOf(writer)) return true;
    }
    return this.#orphans.areIn(journal, this.#isServed);
  }

  #release(journal: Journal): void {
    this.#journals.delete(journal);
    if (journal === this.#own) this.#own = undefined;
    try {
      journal.release();
    } catch {
      // It stays under this process's name, and is adopted once that has ended.
    }
  }

  /** The journal that this store's own writers save to. */
  #journal(clock: Clock): Journal {
    const isLong =
      clock.monotonic() - this.#touched.monotonic > 1.5 * TOUCH_MS || clock.now() - this.#touched.wall > 1.5 * TOUCH_MS;
    // Timers did not run, as the process was stopped: others may have presumed it dead.
    if (isLong) this.#touch(clock);
    if (this.#own?.isBroken) this.#own = undefined;
    // An empty file is one that anybody may clear away, if they take its owner for dead.
    if (this.#own?.isEmpty && !this.#own.isInPlace()) this.#drop(this.#own);
    this.#own ??= this.#create(clock);
    this.#journals.add(this.#own);
    return this.#own;
  }

  #create(clock: Clock): Journal {
    const file = randomId(clock);
    const path = join(this.#directory, journalName(this.#self, file));
    return new Journal(this.#platform.fs, path, file, true, this.#isSynced);
  }

  #drop(journal: Journal): void {
    this.#journals.delete(journal);
    if (journal === this.#own) this.#own = undefined;
    journal.close();
  }

  /** Counts the runs that staged something: which was the most recent is not left to clocks. */
  #nextRun(): number {
    const { fs } = this.#platform;
    const path = join(this.#directory, 'nikdev-iot-1.runs');
    makeFolder(fs, this.#directory, this.#isSynced);
    const fd = fs.openSync(path, 'a+');
    try {
      const run = (Number(fs.readFileSync(fd)) || 0) + 1;
      fs.ftruncateSync(fd, 0);
      fs.writeSync(fd, String(run));
      return run;
    } finally {
      fs.closeSync(fd);
    }
  }

  #touchLater(clock: Clock): void {
    this.#touched = { monotonic: clock.monotonic(), wall: clock.now() };
    this.#cancelTouch = clock.setTimer(
      () => {
        this.#touch(clock);
        this.#touchLater(clock);
      },
      TOUCH_MS,
      true,
    );
  }

  #touch(clock: Clock): void {
    this.#touched = { monotonic: clock.monotonic(), wall: clock.now() };
    for (const journal of [...this.#journals]) {
      try {
        if (journal.isInPlace()) journal.touch(clock.now() / 1000);
        else this.#saveAgain(journal, clock);
      } catch {
        // Tried again at the next touch.
      }
    }
  }

  /** A journal whose path was removed or taken: what is still wanted of it is saved in a new one, all at once. */
  #saveAgain(lost: Journal, clock: Clock): void {
    if (lost === this.#own) this.#own = undefined;
    const { shelves } = lost.read();
    const again = this.#create(clock);
    const wanted = [...shelves].filter(([, { binding, entries }]) => binding !== undefined && entries.size > 0);
    if (wanted.length > 0) {
      again.saveAll(new Map(wanted));
      this.#journals.add(again);
      this.#own ??= again;
    }
    this.#drop(lost);
  }

  #has(file: string): boolean {
    for (const journal of this.#journals) if (journal.file === file) return true;
    return false;
  }
}
