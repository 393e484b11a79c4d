import { type Binding, sameBinding } from '../core/binding.js';
import type { StoredEntry } from '../core/entry.js';
import type { Warning } from '../core/events.js';
import { type Adoption, LOOK_AGAIN_SECONDS } from '../core/storage.js';
import { entriesWaiting } from '../core/warnings.js';
import { latestStaged, type StagedValues } from './runs.js';
import { isTaken } from './web-heartbeat.js';
import { findWriters, lifeKey, lockName, type Remains, readEntries, stagedKey, writerKey } from './web-keys.js';
import type { Hold, WebLiveness } from './web-liveness.js';
import { decodeStaged } from './web-record.js';
import type { WebRoom } from './web-room.js';

/** A writer must be found dead twice, this far apart: a new one may save before its lock is granted. */
const BETWEEN_LOOKS_MS = 1000;
/** A reload looks before the browser has freed the locks of the page that it replaces: those need a look more. */
const MAX_LOOKS = 3;
/** So many marks of writers of which nothing else is left are kept, for pages that wake up and must see that they were robbed. */
const MAX_MARKS = 50;

/** What is gathered while looking. */
interface Gathered {
  readonly entries: StoredEntry[];
  readonly staged: StagedValues[];
  readonly warnings: Warning[];
}

/** A dead writer that this one took. */
interface Adopted {
  readonly hold: Hold;
  /** What is still queued of it. */
  readonly sequences: Set<number>;
  /** How many of its records can't be read. */
  readonly unreadable: number;
}

/** Takes over what dead writers of one binding left, in place: their keys stay, and they are this writer's from then on. */
export class WebAdoption {
  readonly #room: WebRoom;
  readonly #liveness: WebLiveness;
  readonly #binding: Binding;
  readonly #adopted = new Map<string, Adopted>();
  /** Writers of which nothing that can be read is left. */
  readonly #spent = new Set<string>();
  #closed = false;

  constructor(room: WebRoom, liveness: WebLiveness, binding: Binding) {
    this.#room = room;
    this.#liveness = liveness;
    this.#binding = binding;
  }

  /** The writers that were taken and are not yet done with. */
  get writers(): Iterable<string> {
    return this.#adopted.keys();
  }

  /** Whether an entry is one that was taken, and not yet removed. */
  has({ writer, sequence }: StoredEntry): boolean {
    return this.#adopted.get(writer)?.sequences.has(sequence) ?? false;
  }

  /** What became of the keys of the writers that were taken. */
  check(): { readonly taken: readonly string[]; readonly isGone: boolean } {
    const taken: string[] = [];
    let isGone = false;
    for (const [writer, { hold }] of this.#adopted) {
      const state = hold.heartbeat?.look();
      if (state === 'taken') taken.push(writer);
      isGone ||= state === 'gone';
    }
    for (const writer of taken) this.#adopted.get(writer)?.hold.end(false);
    for (const writer of taken) this.#forget(writer);
    return { taken, isGone };
  }

  /** Shows anew that one that was taken is held, where its keys were deleted. */
  show(writer: string): void {
    const heartbeat = this.#adopted.get(writer)?.hold.heartbeat;
    if (heartbeat?.look() === 'gone') heartbeat.begin();
  }

  /** Shows again that those that were taken are held. */
  beat(): void {
    for (const { hold } of this.#adopted.values()) hold.heartbeat?.beat();
  }

  /** See `Writer.adopt`. @param own - Tells the adopter's id, which changes if it is robbed meanwhile. */
  async adopt(atStart: boolean, own: () => string): Promise<Adoption> {
    const gathered: Gathered = { entries: [], staged: [], warnings: [] };
    try {
      await this.#look(atStart, own, gathered);
    } catch {
      // Where the locks or the storage can't be asked now, what was taken until then counts.
    }
    const { warnings } = gathered;
    // Not what another took again while this page slept, and was told so already.
    const entries = gathered.entries.filter((entry) => this.has(entry));
    return { entries, staged: latestStaged(gathered.staged), warnings, lookAgainSeconds: LOOK_AGAIN_SECONDS };
  }

  async #look(atStart: boolean, own: () => string, gathered: Gathered): Promise<void> {
    let deadBefore = new Set<string>();
    for (let look = 0; look < MAX_LOOKS && !this.#closed; look++) {
      if (look > 0) await this.#liveness.wait(BETWEEN_LOOKS_MS);
      const all = this.#findAll();
      const others = this.#othersAmong(all, atStart);
      if (others.size === 0) return;
      const allDead = await this.#liveness.findDead(all);
      const dead = [...others].filter(([writer]) => allDead.has(writer));
      gathered.warnings.push(...this.#strangers(dead));
      const ours = dead.filter(([, { binding }]) => binding && sameBinding(binding, this.#binding));
      const sure = ours.filter(([writer, { life }]) => life !== undefined || deadBefore.has(writer));
      if (sure.length > 0 && !this.#closed) await this.#take(new Map(sure), atStart, own, gathered);
      if (sure.length === ours.length && (look > 0 || ours.length === others.size)) return;
      deadBefore = new Set(ours.map(([writer]) => writer));
    }
  }

  /** To be called after the key of an entry was removed: lets go of a writer of which nothing is left. */
  removed({ writer, sequence }: StoredEntry): void {
    const adopted = this.#adopted.get(writer);
    if (adopted?.sequences.delete(sequence) && adopted.sequences.size === 0) this.#letGo(writer, adopted);
  }

  /** Gives back everything, to be adopted by others. */
  close(): void {
    this.#closed = true;
    for (const [writer, { hold }] of this.#adopted) {
      this.#forget(writer);
      hold.end(true);
    }
  }

  #forget(writer: string): void {
    this.#adopted.delete(writer);
    this.#room.forget(writer);
  }

  /** All writers of the origin; the room that others take is measured by the way. */
  #findAll(): Map<string, Remains> {
    const room = this.#room;
    const all = findWriters(room.storage, (writer) => !room.has(writer));
    let length = 0;
    for (const remains of all.values()) length += remains.length;
    room.foundOthers(length);
    const marks = [...all].filter(([, { life, binding, hasStaged, sequences }]) => {
      return isTaken(life) && !binding && !hasStaged && sequences.length === 0;
    });
    if (marks.length > MAX_MARKS) {
      for (const [writer] of marks.slice(MAX_MARKS / 2)) room.storage.removeItem(lifeKey(writer));
    }
    return all;
  }

  /** The other writers that left something to take; staged values count only at the start. */
  #othersAmong(all: ReadonlyMap<string, Remains>, atStart: boolean): Map<string, Remains> {
    return new Map(
      [...all].filter(([writer, { binding, hasStaged, sequences }]) => {
        const isHeld = this.#room.has(writer) || this.#spent.has(writer);
        return !isHeld && (sequences.length > 0 || (atStart && (binding !== undefined || hasStaged)));
      }),
    );
  }

  async #take(
    writers: ReadonlyMap<string, Remains>,
    atStart: boolean,
    own: () => string,
    gathered: Gathered,
  ): Promise<void> {
    const taken = await this.#liveness.take(writers, own());
    try {
      const found = findWriters(this.#room.storage, (writer) => taken.has(writer));
      for (const [writer, hold] of taken) {
        const remains = found.get(writer);
        if (this.#closed || remains === undefined) continue;
        this.#read(writer, remains, hold, atStart, gathered);
        taken.delete(writer);
      }
    } finally {
      // Left as it is, for the next look.
      for (const [writer, hold] of taken) {
        this.#room.forget(writer);
        hold.end(true);
      }
    }
  }

  #read(writer: string, remains: Remains, hold: Hold, atStart: boolean, gathered: Gathered): void {
    const { storage } = this.#room;
    this.#room.adopt(writer, remains.length);
    const { entries, unreadable } = readEntries(storage, writer, remains.sequences);
    const staged = atStart ? decodeStaged(storage.getItem(stagedKey(writer)) ?? '') : undefined;
    // Forgotten before they are staged again: lost by a crash in between, but never there twice.
    if (staged !== undefined) this.#room.clear(writer, stagedKey(writer));
    for (const entry of entries) gathered.entries.push(entry);
    if (staged !== undefined) gathered.staged.push(staged);
    if (unreadable > 0) gathered.warnings.push(unreadableRecords(writer, unreadable));
    const adopted = { hold, sequences: new Set(entries.map((entry) => entry.sequence)), unreadable };
    if (entries.length === 0) {
      this.#letGo(writer, adopted);
      return;
    }
    this.#adopted.set(writer, adopted);
  }

  #letGo(writer: string, { hold, unreadable }: Adopted): void {
    this.#forget(writer);
    let isLeaving = true;
    try {
      // A change of its own can arrive after its lock, or be made by a page that has not yet seen that it was robbed.
      const { hasStaged = false, sequences = [] } = findWriters(this.#room.storage).get(writer) ?? {};
      isLeaving = hasStaged || sequences.length > 0;
      if (sequences.length <= unreadable) this.#spent.add(writer);
      if (!isLeaving) this.#room.clear(writer, writerKey(writer));
    } finally {
      hold.end(isLeaving);
    }
  }

  /** What lies here that this `Api` can't push. */
  #strangers(dead: readonly (readonly [string, Remains])[]): Warning[] {
    return dead.flatMap(([writer, { binding, sequences }]): Warning[] => {
      if (sequences.length === 0 || (binding && sameBinding(binding, this.#binding))) return [];
      return [binding ? entriesWaiting(binding, 'this storage') : unreadableRecords(writer, sequences.length)];
    });
  }
}

function unreadableRecords(writer: string, count: number): Warning {
  return {
    code: 'unreadable-records',
    message: `Some records under ${JSON.stringify(lockName(writer))} can't be read (${count} in all), as they are damaged or of a newer version. They are left where they are.`,
  };
}
