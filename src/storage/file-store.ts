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
import type { FilePlatform } from './file-system.js';

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

/** What was found in a file of the dead, so that it need not be read again while it doesn't change. */
interface Glance {
  /** By key: the bindings of which there are entries, and those of which there are staged values. */
  readonly entries: ReadonlyMap<string, Binding>;
  readonly staged: ReadonlyMap<string, Binding>;
  readonly warnings: readonly Warning[];
  readonly looks: number;
  /** All that it holds; only at the first look. */
  readonly read: { readonly contents: Contents; readonly size: number } | undefined;
}

/** What one storage object has in its folder: a journal for its own writers, and those of the dead that it took over. */
export class FileStore {
  readonly #platform: FilePlatform;
  readonly #directory: string;
  readonly #isSynced: boolean;
  readonly #finder: FileFinder;
  readonly #self: string;
  /** The writers that are open, by id. */
  readonly #living = new Set<string>();
  /** How many of them each binding has. */
  readonly #served = new Map<string, number>();
  /** The dead writers whose entries a living one has, by the living one's id. */
  readonly #adopted = new Map<string, string[]>();
  /** All of those. */
  readonly #taken = new Set<string>();
  /** By binding. */
  readonly #orphans = new Map<string, Orphan[]>();
  readonly #journals = new Set<Journal>();
  /** By the signature of the file. */
  #glances = new Map<string, Glance>();
  #own: Journal | undefined;
  /** Whether a writer was closed since the journals were last searched for orphans. */
  #hasLeft = false;
  #touched = { monotonic: 0, wall: 0 };
  #cancelTouch = (): void => {};

  constructor(platform: FilePlatform, directory: string, isSynced: boolean) {
    this.#platform = platform;
    this.#directory = directory;
    this.#isSynced = isSynced;
    this.#finder = new FileFinder(platform, directory);
    this.#self = identify(platform);
  }

  open(binding: Binding, clock: Clock): Writer {
    const id = randomId(clock);
    let hasStaged = false;
    let run: number | undefined;
    if (this.#living.size === 0) this.#touchLater(clock);
    this.#living.add(id);
    this.#served.set(bindingKey(binding), (this.#served.get(bindingKey(binding)) ?? 0) + 1);
    return {
      id,
      save: (entry, forgetStaged) => {
        const journal = this.#journal(clock);
        try {
          journal.saveEntry(entry, binding, forgetStaged && hasStaged);
        } finally {
          if (journal.isBroken) this.#own = undefined;
        }
        if (forgetStaged) hasStaged = false;
      },
      remove: (entries) => this.#remove(entries),
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
    const entries = new Map<string, ReadonlyMap<number, StoredEntry>>();
    const staged: { readonly run: number; readonly values: readonly Value[] }[] = [];
    if (!this.#living.has(id)) return { entries: [], staged: [], warnings: [] };
    const warnings = this.#takeOver(clock, atStart);
    const left: Orphan[] = [];
    const taken: string[] = [];
    for (const orphan of this.#orphans.get(bindingKey(binding)) ?? []) {
      const { writer, journal, shelf } = orphan;
      if (shelf.staged && atStart && forgetStaged(journal, writer, binding, shelf.staged.run))
        staged.push(shelf.staged);
      else if (shelf.staged) left.push({ ...orphan, shelf: { ...shelf, entries: new Map() } });
      if (shelf.entries.size === 0) continue;
      taken.push(writer);
      const others = entries.get(writer);
      // One writer's can stand in two files, where a disk failed; the same entry too.
      entries.set(writer, others ? inOrder(new Map([...others, ...shelf.entries])) : shelf.entries);
    }
    for (const writer of taken) this.#taken.add(writer);
    this.#adopted.set(id, [...(this.#adopted.get(id) ?? []), ...taken]);
    this.#orphans.set(bindingKey(binding), left);
    this.#releaseSpent();
    const [latest] = staged.sort((one, other) => other.run - one.run);
    return {
      entries: [...entries.values()].flatMap((ofWriter) => [...ofWriter.values()]),
      staged: latest?.values ?? [],
      warnings,
      lookAgainSeconds: LOOK_AGAIN_SECONDS,
    };
  }

  #close(id: string, binding: Binding): void {
    if (!this.#living.delete(id)) return;
    this.#served.set(bindingKey(binding), (this.#served.get(bindingKey(binding)) ?? 1) - 1);
    for (const writer of this.#adopted.get(id) ?? []) this.#taken.delete(writer);
    this.#adopted.delete(id);
    if (this.#living.size > 0) {
      this.#hasLeft = true;
      // What it left here is given back with this file, once the others are done with theirs in it.
      if (this.#own?.stock.has(id)) this.#own = undefined;
      this.#releaseSpent();
      return;
    }
    this.#cancelTouch();
    this.#orphans.clear();
    for (const journal of this.#journals) this.#release(journal);
  }

  /** Makes orphans of what closed writers left here and of what dead runs left in the folder. */
  #takeOver(clock: Clock, atStart: boolean): Warning[] {
    if (this.#hasLeft) {
      this.#orphans.clear();
      for (const journal of this.#journals) {
        try {
          this.#addOrphans(journal, journal.read());
        } catch {
          // It stays owned and is read again after the next close; its living writers go on.
        }
      }
      this.#hasLeft = false;
    }
    const before = this.#glances;
    this.#glances = new Map();
    const warnings: Warning[] = [];
    for (const dead of this.#finder.find(clock, this.#self, (file) => this.#has(file))) {
      if (this.#journals.size >= MAX_JOURNALS) break;
      try {
        const glance = before.get(dead.signature) ?? this.#glanceAt(dead);
        warnings.push(...glance.warnings, ...this.#take(dead, glance, atStart));
      } catch {
        // Another was faster, or it can't be read now; it is looked at again.
      }
    }
    return warnings;
  }

  /** Takes over a file of the dead, if anything in it is for the living here, or nothing is for anybody. */
  #take(dead: DeadFile, glance: Glance, atStart: boolean): Warning[] {
    const isServed = (key: string): boolean => (this.#served.get(key) ?? 0) > 0;
    const isForUs = [...glance.entries.keys()].some(isServed) || (atStart && [...glance.staged.keys()].some(isServed));
    const isForNobody = glance.entries.size === 0 && glance.staged.size === 0 && glance.warnings.length === 0;
    if (isForUs || isForNobody) {
      this.#rename(dead, glance);
    } else {
      this.#glances.set(dead.signature, { ...glance, read: undefined, looks: glance.looks + 1 });
    }
    // Not at the first look: an Api for them may be opened next.
    return glance.looks === 0 ? [] : this.#waiting(glance, isServed);
  }

  #rename(dead: DeadFile, { read }: Glance): void {
    const { fs } = this.#platform;
    const path = join(this.#directory, journalName(this.#self, dead.file));
    // Of several that try, one succeeds: the others find the old name gone.
    fs.renameSync(dead.path, path);
    const journal = new Journal(fs, path, dead.file, false, this.#isSynced);
    try {
      // Nobody else writes to it by now, and nobody has since it was looked into.
      if (this.#finder.signatureOf(path) !== dead.signature) throw new Error('its owner lives');
      if (read) journal.know(read.contents, read.size);
      this.#addOrphans(journal, read?.contents ?? journal.read());
      this.#journals.add(journal);
    } catch (error) {
      journal.close();
      fs.renameSync(path, dead.path);
      throw error;
    }
  }

  #addOrphans(journal: Journal, { shelves }: Contents): void {
    for (const [writer, shelf] of shelves) {
      const { binding, entries, staged } = shelf;
      if (binding === undefined || this.#living.has(writer) || this.#taken.has(writer)) continue;
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
        const others = orphans.filter((orphan) => orphan.journal !== journal);
        if (others.length < orphans.length) this.#orphans.set(key, others);
      }
      this.#release(journal);
    }
  }

  #isUsed(journal: Journal): boolean {
    for (const writer of journal.stock.writers) {
      if (this.#living.has(writer) || this.#taken.has(writer)) return true;
    }
    for (const [key, orphans] of this.#orphans) {
      if ((this.#served.get(key) ?? 0) > 0 && orphans.some((orphan) => orphan.journal === journal)) return true;
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
    fs.mkdirSync(this.#directory, { recursive: true });
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

  #glanceAt({ path }: DeadFile): Glance {
    const bytes = this.#platform.fs.readFileSync(path);
    const contents = readJournal(bytes);
    const entries = new Map<string, Binding>();
    const staged = new Map<string, Binding>();
    for (const shelf of contents.shelves.values()) {
      if (shelf.binding && shelf.entries.size > 0) entries.set(bindingKey(shelf.binding), shelf.binding);
      if (shelf.binding && shelf.staged) staged.set(bindingKey(shelf.binding), shelf.binding);
    }
    const { length } = contents.unreadable;
    const message = `${path} holds records that can't be read (${length} lines), as they are damaged or of a newer version. They are kept, and the others are pushed.`;
    const warnings: Warning[] = length > 0 ? [{ code: 'unreadable-records', message }] : [];
    return { entries, staged, warnings, looks: 0, read: { contents, size: bytes.length } };
  }

  #has(file: string): boolean {
    for (const journal of this.#journals) if (journal.file === file) return true;
    return false;
  }

  #waiting({ entries }: Glance, isServed: (key: string) => boolean): Warning[] {
    return [...entries].flatMap(([key, { deviceId, baseUrl }]): Warning[] => {
      if (isServed(key)) return [];
      const message = `Entries committed for device ${deviceId} at ${baseUrl} wait in ${this.#directory}. They are safe; an Api with that deviceId and baseUrl pushes them.`;
      return [{ code: 'entries-waiting', message }];
    });
  }
}

function inOrder(entries: ReadonlyMap<number, StoredEntry>): Map<number, StoredEntry> {
  return new Map([...entries].sort(([one], [other]) => one - other));
}

/** Forgotten before they are staged again: lost by a crash in between, but never there twice. @returns Whether it could be. */
function forgetStaged(journal: Journal, writer: string, binding: Binding, run: number): boolean {
  try {
    journal.saveStaged(writer, binding, run, []);
    return true;
  } catch {
    return false;
  }
}
