import type { Binding } from '../core/binding.js';
import type { Clock } from '../core/clock.js';
import type { StoredEntry } from '../core/entry.js';
import { randomId } from '../core/random-id.js';
import type { Adoption, Loss, Writer } from '../core/storage.js';
import type { Value } from '../core/value.js';
import { nextRun } from './runs.js';
import { SequenceSet } from './sequence-set.js';
import { WebAdoption } from './web-adoption.js';
import { Heartbeat } from './web-heartbeat.js';
import { entryKey, findWriters, lifeKey, lockName, RUNS_KEY, stagedKey, writerKey } from './web-keys.js';
import { WebLiveness, type WebPlatform } from './web-liveness.js';
import { holdLock, type Release } from './web-locks.js';
import { encodeRecord, encodeStaged, recordLength } from './web-record.js';
import type { WebRoom } from './web-room.js';

/** One run of one `Api` in a page. */
export class WebWriter implements Writer {
  readonly #room: WebRoom;
  readonly #platform: WebPlatform;
  readonly #binding: Binding;
  readonly #clock: Clock;
  readonly #adoption: WebAdoption;
  #id: string;
  readonly #release: Release | undefined;
  /** Only where there are no Web Locks. */
  #heartbeat: Heartbeat | undefined;
  #saved = new SequenceSet();
  /** Whether its binding, and its sign of life where it has one, are written. */
  #isIntroduced = false;
  #isClosed = false;
  #run: number | undefined;
  /** The length of the staged values that are saved; `undefined` where there are none. */
  #staged: number | undefined;

  constructor(room: WebRoom, platform: WebPlatform, binding: Binding, clock: Clock) {
    const { locks, page } = platform;
    this.#room = room;
    this.#platform = platform;
    this.#binding = binding;
    this.#clock = clock;
    this.#adoption = new WebAdoption(
      room,
      new WebLiveness(room, platform, clock, () => this.#isClosed || this.#beat()),
      binding,
    );
    this.#id = randomId(clock);
    room.add(this.#id);
    this.#release = locks && holdLock(locks, lockName(this.#id));
    this.#heartbeat = locks ? undefined : new Heartbeat(room, this.#id, this.#id, page);
  }

  get id(): string {
    return this.#id;
  }

  check(): Loss | undefined {
    // A push that was under way may still ask: what was given back is not to be saved again.
    if (this.#isClosed) return undefined;
    try {
      const { taken, isGone } = this.#adoption.check();
      const state = this.#look();
      if (state === 'taken' || taken.length > 0) return this.#yield(taken, state === 'taken');
      return state === 'gone' || isGone ? this.#forgetGone() : undefined;
    } catch {
      // A page that may not look any more knows of nothing; what it has in memory is still to be pushed.
      return undefined;
    }
  }

  save(entry: StoredEntry, madeOfStaged: boolean): void {
    if (madeOfStaged) this.#forgetStaged();
    this.#introduce();
    this.#room.set(this.#id, entryKey(this.#id, entry.sequence), encodeRecord(entry));
    this.#saved.add(entry.sequence);
  }

  saveAgain(entries: readonly StoredEntry[]): void {
    if (this.#isClosed) return;
    for (const entry of entries) {
      const { writer, sequence } = entry;
      const key = entryKey(writer, sequence);
      if (writer === this.#id) this.#introduce();
      else {
        this.#bind(writer);
        this.#adoption.show(writer);
      }
      if (this.#room.storage.getItem(key) === null) this.#room.set(writer, key, encodeRecord(entry));
      if (writer === this.#id) this.#saved.add(sequence);
    }
  }

  remove(entries: readonly StoredEntry[]): void {
    for (const entry of entries) {
      const { writer, sequence } = entry;
      const key = entryKey(writer, sequence);
      if (writer === this.#id) {
        if (!this.#saved.has(sequence)) continue;
        // Of one in quarantine it is not sure that this could be noted.
        if (entry.refusal) this.#room.clear(writer, key);
        else this.#room.remove(writer, key, recordLength(entry));
        this.#saved.delete(sequence);
      } else if (this.#adoption.has(entry)) {
        // It may have been cleared, and not be saved again.
        this.#room.clear(writer, key);
        this.#adoption.removed(entry);
      }
    }
  }

  quarantine(entries: readonly StoredEntry[]): void {
    for (const entry of entries) {
      const { writer, sequence } = entry;
      const key = entryKey(writer, sequence);
      const isHeld = writer === this.#id ? this.#saved.has(sequence) : this.#adoption.has(entry);
      const before = isHeld ? this.#room.storage.getItem(key) : null;
      if (before !== null) this.#room.set(writer, key, encodeRecord(entry), before.length);
    }
  }

  saveStaged(values: readonly Value[]): void {
    try {
      if (values.length === 0) {
        this.#forgetStaged();
        return;
      }
      this.#run ??= this.#nextRun();
      this.#introduce();
      const text = encodeStaged(this.#run, values);
      this.#room.set(this.#id, stagedKey(this.#id), text, this.#staged);
      this.#staged = text.length;
    } catch {
      // Best effort: staged values are promised nothing before they are committed.
    }
  }

  async adopt(atStart: boolean): Promise<Adoption> {
    this.#beat();
    return this.#adoption.adopt(atStart, () => this.#id);
  }

  close(): void {
    this.#isClosed = true;
    const isLeaving = this.#saved.size > 0 || this.#staged !== undefined;
    try {
      this.#adoption.close();
      // With nothing left below it, the binding is of no use to anybody.
      if (this.#isIntroduced && !isLeaving) this.#forgetIntroduction();
      this.#heartbeat?.stop(isLeaving);
    } catch {
      // Whoever looks next clears it away.
    }
    this.#room.forget(this.#id);
    this.#release?.();
  }

  #beat(): void {
    try {
      if (this.#isIntroduced) this.#heartbeat?.beat();
      this.#adoption.beat();
    } catch {
      // The next beat is due soon enough.
    }
  }

  #look(): 'own' | 'taken' | 'gone' {
    if (this.#heartbeat) return this.#isIntroduced ? this.#heartbeat.look() : 'own';
    // Whatever clears one binding clears all; its own may have been written after that, by values that were staged.
    const [firstAdopted] = this.#adoption.writers;
    return this.#isOwnGone() || (firstAdopted !== undefined && !this.#isBound(firstAdopted)) ? 'gone' : 'own';
  }

  #isOwnGone(): boolean {
    if (!this.#isIntroduced) return false;
    return this.#heartbeat ? this.#heartbeat.look() === 'gone' : !this.#isBound(this.#id);
  }

  #introduce(): void {
    if (!this.#isIntroduced) {
      this.#bind(this.#id);
      this.#heartbeat?.begin();
    }
    this.#isIntroduced = true;
    this.#heartbeat?.revive();
  }

  #forgetIntroduction(): void {
    this.#room.clear(this.#id, writerKey(this.#id));
    if (this.#heartbeat?.look() === 'own') this.#room.clear(this.#id, lifeKey(this.#id));
  }

  /** The binding comes before the first key that needs it: what a crash cuts off is always a tail. */
  #bind(writer: string): void {
    if (!this.#isBound(writer)) this.#room.set(writer, writerKey(writer), JSON.stringify(this.#binding));
  }

  #isBound(writer: string): boolean {
    return this.#room.storage.getItem(writerKey(writer)) !== null;
  }

  /** All keys were deleted. Those of its own may have been written since: they are what shows that it lives. */
  #forgetGone(): Loss {
    const { storage } = this.#room;
    const writers = new Set([this.#id, ...this.#adoption.writers]);
    // Since then values may have been staged, and others been adopted.
    const left = findWriters(storage, (writer) => writers.has(writer));
    for (const writer of writers) this.#room.adopt(writer, left.get(writer)?.length ?? 0);
    if (this.#isOwnGone()) this.#forgetOwn();
    this.#staged = storage.getItem(stagedKey(this.#id))?.length;
    return { kind: 'cleared' };
  }

  /** Another presumed this page dead. @param adopted - What it took of what was adopted. */
  #yield(adopted: readonly string[], isOwnTaken: boolean): Loss {
    const writers = new Set(adopted);
    if (!isOwnTaken) return { kind: 'taken', writers, isStagedTaken: false };
    const { storage } = this.#room;
    writers.add(this.#id);
    const isStagedTaken =
      this.#staged !== undefined && (storage.getItem(stagedKey(this.#id)) === null || !this.#clearStaged());
    this.#heartbeat?.stop(false);
    this.#room.forget(this.#id);
    this.#id = randomId(this.#clock);
    this.#room.add(this.#id);
    this.#heartbeat = new Heartbeat(this.#room, this.#id, this.#id, this.#platform.page);
    this.#forgetOwn();
    return { kind: 'taken', writers, isStagedTaken };
  }

  /**
   * Clears the staged values that another may find: they are staged here still, and must not come back elsewhere. Where
   * they can't be cleared, they will.
   *
   * @returns Whether they are gone.
   */
  #clearStaged(): boolean {
    try {
      this.#room.clear(this.#id, stagedKey(this.#id));
      return true;
    } catch {
      return false;
    }
  }

  #forgetOwn(): void {
    this.#saved = new SequenceSet();
    this.#isIntroduced = false;
    this.#staged = undefined;
  }

  #forgetStaged(): void {
    if (this.#staged !== undefined) this.#room.remove(this.#id, stagedKey(this.#id), this.#staged);
    this.#staged = undefined;
  }

  #nextRun(): number {
    const { storage } = this.#room;
    const next = nextRun(storage.getItem(RUNS_KEY));
    storage.setItem(RUNS_KEY, String(next));
    return next;
  }
}
