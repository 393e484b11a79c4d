import { join } from 'node:path';
import { type Binding, bindingKey } from '../core/binding.js';
import type { Clock } from '../core/clock.js';
import type { StoredEntry } from '../core/entry.js';
import type { Warning } from '../core/events.js';
import { randomId } from '../core/random-id.js';
import type { Adoption, Writer } from '../core/storage.js';
import type { Value } from '../core/value.js';
import { type DeadFile, FileFinder, TOUCH_MS } from './file-finder.js';
import { Journal } from './file-journal.js';
import { identify, journalName } from './file-owner.js';
import { type Contents, readJournal, type Shelf } from './file-record.js';
import type { FilePlatform, FileSystem } from './file-system.js';

const LOOK_AGAIN_SECONDS = 30;
/** Each file that is taken over is kept open. */
const MAX_JOURNALS = 200;

/** A dead writer in a journal that this store owns, not yet handed to a living one. */
interface Orphan {
  readonly writer: string;
  readonly binding: Binding;
  readonly journal: Journal;
  readonly shelf: Shelf;
}

/** What one storage object has in its folder: a journal for its own writers, and those of the dead that it took over. */
export class FileStore {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #isSynced: boolean;
  readonly #finder: FileFinder;
  readonly #self: string;
  /** The writers that are open, by id. */
  readonly #living = new Set<string>();
  /** How many of them each binding has. */
  readonly #served = new Map<string, number>();
  /** Which living writer has the entries of which dead one, by the dead one's id. */
  readonly #adopters = new Map<string, string>();
  /** By binding. */
  readonly #orphans = new Map<string, Orphan[]>();
  readonly #journals = new Set<Journal>();
  /** Files of the dead that hold nothing for the living here, as they were when they were looked into. */
  readonly #passedOver = new Map<string, readonly Warning[]>();
  #own: Journal | undefined;
  /** Whether a writer was closed since the journals were last searched for orphans. */
  #hasLeft = false;
  #touched = { monotonic: 0, wall: 0 };
  #cancelTouch = (): void => {};

  constructor({ fs, pid }: FilePlatform, directory: string, isSynced: boolean) {
    this.#fs = fs;
    this.#directory = directory;
    this.#isSynced = isSynced;
    this.#finder = new FileFinder(fs, directory);
    this.#self = identify(fs, pid);
  }

  open(binding: Binding, clock: Clock): Writer {
    const id = randomId(clock);
    let hasStaged = false;
    let run: number | undefined;
    if (this.#living.size === 0) this.#touchLater(clock);
    this.#living.add(id);
    this.#served.set(bindingKey(binding), (this.#served.get(bindingKey(binding)) ?? 0) + 1);
    this.#passedOver.clear();
    return {
      id,
      save: (entry, forgetStaged) => {
        this.#journal(clock).saveEntry(entry, binding, forgetStaged && hasStaged);
        if (forgetStaged) hasStaged = false;
      },
      remove: (entries) => {
        for (const journal of this.#journals) journal.remove(entries);
        this.#releaseSpent();
      },
      saveStaged: (values) => {
        if (values.length === 0 && !hasStaged) return;
        try {
          run ??= this.#nextRun();
          this.#journal(clock).saveStaged(id, binding, run, values);
          hasStaged = values.length > 0;
        } catch {
          // Best effort: staged values are promised nothing before they are committed.
        }
      },
      adopt: async (atStart) => this.#adopt(id, binding, clock, atStart),
      close: () => this.#close(id, binding),
    };
  }

  #adopt(id: string, binding: Binding, clock: Clock, atStart: boolean): Adoption {
    const entries: StoredEntry[] = [];
    const staged: { readonly run: number; readonly values: readonly Value[] }[] = [];
    if (!this.#living.has(id)) return { entries, staged: [], warnings: [] };
    const warnings = this.#takeOver(clock, atStart);
    const left: Orphan[] = [];
    for (const orphan of this.#orphans.get(bindingKey(binding)) ?? []) {
      const { writer, journal, shelf } = orphan;
      if (atStart && shelf.staged) {
        // Forgotten before they are staged again: lost by a crash in between, but never there twice.
        journal.saveStaged(writer, binding, shelf.staged.run, []);
        staged.push(shelf.staged);
      } else if (shelf.staged) {
        left.push({ ...orphan, shelf: { ...shelf, entries: new Map() } });
      }
      for (const entry of shelf.entries.values()) entries.push(entry);
      if (shelf.entries.size > 0) this.#adopters.set(writer, id);
    }
    this.#orphans.set(bindingKey(binding), left);
    this.#releaseSpent();
    const [latest] = staged.sort((one, other) => other.run - one.run);
    return { entries, staged: latest?.values ?? [], warnings, lookAgainSeconds: LOOK_AGAIN_SECONDS };
  }

  #close(id: string, binding: Binding): void {
    if (!this.#living.delete(id)) return;
    this.#served.set(bindingKey(binding), (this.#served.get(bindingKey(binding)) ?? 1) - 1);
    for (const [writer, adopter] of this.#adopters) if (adopter === id) this.#adopters.delete(writer);
    this.#hasLeft = true;
    if (this.#living.size > 0) return;
    this.#cancelTouch();
    this.#orphans.clear();
    for (const journal of this.#journals) this.#release(journal);
  }

  /** Makes orphans of what closed writers left here and of what dead runs left in the folder. */
  #takeOver(clock: Clock, atStart: boolean): Warning[] {
    if (this.#hasLeft) {
      this.#orphans.clear();
      for (const journal of this.#journals) this.#addOrphans(journal, journal.read());
      this.#hasLeft = false;
    }
    const dead = this.#finder.find(clock, this.#self, (file) => this.#has(file));
    return dead.flatMap((file) => {
      if (this.#journals.size >= MAX_JOURNALS) return [];
      const known = this.#passedOver.get(`${atStart} ${file.signature}`);
      return known ?? this.#look(file, atStart);
    });
  }

  /** Takes over a file of the dead, if anything in it is for the living here. */
  #look(dead: DeadFile, atStart: boolean): readonly Warning[] {
    try {
      const contents = readJournal(this.#fs.readFileSync(dead.path));
      const warnings = warningsOf(dead.path, contents);
      const shelves = [...contents.shelves.values()];
      const isWanted = shelves.some(({ entries, staged }) => entries.size > 0 || staged !== undefined);
      const isForUs = shelves.some(
        ({ binding, entries, staged }) =>
          binding && this.#serves(binding) && (entries.size > 0 || (atStart && staged !== undefined)),
      );
      if (isWanted && !isForUs) {
        const all = [...warnings, ...this.#waiting(contents)];
        this.#passedOver.set(`${atStart} ${dead.signature}`, all);
        return all;
      }
      const journal = new Journal(this.#fs, dead.path, dead.file, this.#isSynced);
      // Of several that try, one succeeds: the others find the old name gone.
      journal.rename(this.#self);
      this.#journals.add(journal);
      // Read again: it is certain only now that nobody else writes to it.
      this.#addOrphans(journal, journal.read());
      return [...warnings, ...this.#waiting(contents)];
    } catch {
      return [];
    }
  }

  #addOrphans(journal: Journal, { shelves }: Contents): void {
    for (const [writer, shelf] of shelves) {
      const { binding, entries, staged } = shelf;
      if (binding === undefined || this.#living.has(writer) || this.#adopters.has(writer)) continue;
      if (entries.size === 0 && staged === undefined) continue;
      const orphans = this.#orphans.get(bindingKey(binding)) ?? [];
      orphans.push({ writer, binding, journal, shelf });
      this.#orphans.set(bindingKey(binding), orphans);
    }
  }

  /** Lets go of files that hold nothing more for the living here. */
  #releaseSpent(): void {
    for (const journal of this.#journals) {
      if (journal === this.#own || (!journal.isDrained && this.#isUsed(journal))) continue;
      for (const [key, orphans] of this.#orphans) {
        this.#orphans.set(
          key,
          orphans.filter((orphan) => orphan.journal !== journal),
        );
      }
      this.#release(journal);
    }
  }

  #isUsed(journal: Journal): boolean {
    for (const writer of this.#adopters.keys()) if (journal.countOf(writer) > 0) return true;
    for (const orphans of this.#orphans.values()) {
      if (orphans.some((orphan) => orphan.journal === journal && this.#serves(orphan.binding))) return true;
    }
    return false;
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
    if (this.#own === undefined) {
      const file = randomId(clock);
      const path = join(this.#directory, journalName(this.#self, file));
      this.#own = new Journal(this.#fs, path, file, this.#isSynced);
      this.#journals.add(this.#own);
    }
    return this.#own;
  }

  /** Counts the runs that staged something: which was the most recent is not left to clocks. */
  #nextRun(): number {
    const path = join(this.#directory, 'nikdev-iot-1.runs');
    this.#fs.mkdirSync(this.#directory, { recursive: true });
    const fd = this.#fs.openSync(path, 'a+');
    try {
      const run = (Number(this.#fs.readFileSync(fd)) || 0) + 1;
      this.#fs.ftruncateSync(fd, 0);
      this.#fs.writeSync(fd, String(run));
      return run;
    } finally {
      this.#fs.closeSync(fd);
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

  /** A journal whose path was removed or taken: what is still wanted of it is saved in a new one. */
  #saveAgain(lost: Journal, clock: Clock): void {
    const { shelves } = lost.read();
    this.#journals.delete(lost);
    if (lost === this.#own) this.#own = undefined;
    for (const { binding, entries } of shelves.values()) {
      if (binding === undefined || !this.#serves(binding)) continue;
      for (const entry of entries.values()) this.#journal(clock).saveEntry(entry, binding, false);
    }
    lost.close();
  }

  #has(file: string): boolean {
    for (const journal of this.#journals) if (journal.file === file) return true;
    return false;
  }

  #serves(binding: Binding): boolean {
    return (this.#served.get(bindingKey(binding)) ?? 0) > 0;
  }

  #waiting({ shelves }: Contents): Warning[] {
    const others = new Map<string, Binding>();
    for (const { binding, entries } of shelves.values()) {
      if (binding && entries.size > 0 && !this.#serves(binding)) others.set(bindingKey(binding), binding);
    }
    return Array.from(others.values(), ({ deviceId, baseUrl }) => ({
      code: 'entries-waiting',
      message: `Entries committed for device ${deviceId} at ${baseUrl} wait in ${this.#directory}. They are safe; an Api with that deviceId and baseUrl pushes them.`,
    }));
  }
}

function warningsOf(path: string, { unreadable }: Contents): Warning[] {
  if (unreadable.length === 0) return [];
  return [
    {
      code: 'unreadable-records',
      message: `${unreadable.length} records of ${path} can't be read, as they are damaged or of a newer version. They are kept, and the others are pushed.`,
    },
  ];
}
