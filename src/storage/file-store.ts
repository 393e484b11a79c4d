import { join } from 'node:path';
import { type Binding, bindingKey } from '../core/binding.js';
import type { Clock } from '../core/clock.js';
import type { StoredEntry } from '../core/entry.js';
import { StorageException } from '../core/exceptions.js';
import { randomId } from '../core/random-id.js';
import { type Adoption, LOOK_AGAIN_SECONDS, type Writer } from '../core/storage.js';
import { Journal } from './file-journal.js';
import { FileOrphans, forgetStaged } from './file-orphans.js';
import { identify, journalName } from './file-owner.js';
import { moveAdopted, moveLeft } from './file-parting.js';
import { FilePulse } from './file-pulse.js';
import type { Shelf } from './file-record.js';
import { nextRunIn } from './file-runs.js';
import type { FilePlatform } from './file-system.js';
import { FileTakeover } from './file-takeover.js';
import { FileWriter, type Tenant } from './file-writer.js';

/** Each file that is taken over is kept open. */
const MAX_JOURNALS = 200;
/** What holds up others' entries in one file for longer is moved out of it. */
const PATIENCE_MS = 60_000;

/** What one storage object has in its folder: a journal for its own writers, and those of the dead that it took over. */
export class FileStore {
  /** Beats as long as a writer is open. */
  readonly pulse = new FilePulse((clock) => this.#touch(clock));
  readonly #platform: FilePlatform;
  readonly #directory: string;
  readonly #isSynced: boolean;
  readonly #takeover: FileTakeover;
  readonly #self: string;
  /** The writers that are open, by id. */
  readonly #living = new Map<string, Tenant>();
  /** How many of them each binding has. */
  readonly #served = new Map<string, number>();
  readonly #isServed = (key: string): boolean => (this.#served.get(key) ?? 0) > 0;
  readonly #orphans = new FileOrphans();
  readonly #journals = new Set<Journal>();
  /** When a journal was taken over, on this run's monotonic clock. */
  readonly #takenAt = new WeakMap<Journal, number>();
  #own: Journal | undefined;
  /** Whether a writer was closed since the journals were last searched for orphans. */
  #hasLeft = false;
  #cancelGivingBack = (): void => {};
  /** Whether closed writers may have left something in the file of the living. */
  #isGivingBack = false;

  constructor(platform: FilePlatform, directory: string, isSynced: boolean) {
    this.#platform = platform;
    this.#directory = directory;
    this.#isSynced = isSynced;
    this.#self = identify(platform);
    this.#takeover = new FileTakeover(platform, directory, isSynced, this.#self);
  }

  open(binding: Binding, clock: Clock): Writer {
    const tenant: Tenant = { id: randomId(clock), binding, hasStaged: false, taken: undefined, isCleared: false };
    if (this.#living.size === 0) this.pulse.begin(clock);
    this.#living.set(tenant.id, tenant);
    this.#served.set(bindingKey(binding), (this.#served.get(bindingKey(binding)) ?? 0) + 1);
    return new FileWriter(this, tenant, clock);
  }

  isOpen({ id }: Tenant): boolean {
    return this.#living.has(id);
  }

  /** The number of a run that stages something. */
  nextRun(): number {
    return nextRunIn(this.#platform.fs, this.#directory, this.#isSynced);
  }

  /** See `Writer.remove`. */
  remove(entries: readonly StoredEntry[]): void {
    this.#inAll((journal) => journal.remove(entries));
    if (this.#journals.size > 1 || this.#own === undefined) this.#releaseSpent();
  }

  /** See `Writer.quarantine`. */
  quarantine(entries: readonly StoredEntry[]): void {
    this.#inAll((journal) => journal.quarantine(entries));
  }

  /** One that fails keeps nothing from being written to the others. */
  #inAll(write: (journal: Journal) => void): void {
    let failure: unknown;
    for (const journal of this.#journals) {
      try {
        write(journal);
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** See `Writer.adopt`. */
  adopt(tenant: Tenant, clock: Clock, atStart: boolean): Adoption {
    // What others took while this process was stopped is not to be handed out.
    this.pulse.beatIfLate(clock);
    if (this.#hasLeft) this.#findLeft();
    const warnings = this.#takeover.look(clock, atStart, MAX_JOURNALS - this.#journals.size, {
      isOwn: (file) => this.#has(file),
      isServed: this.#isServed,
      takeIn: (journal, contents) => {
        this.#orphans.add(journal, contents, this.#living);
        this.#journals.add(journal);
        this.#takenAt.set(journal, clock.monotonic());
      },
    });
    const { entries, staged } = this.#orphans.handOut(tenant.id, tenant.binding, atStart);
    this.#releaseSpent();
    if (this.#isGivingBack) this.#giveBack(clock);
    this.#partFromStrangers(clock);
    return { entries, staged, warnings, lookAgainSeconds: LOOK_AGAIN_SECONDS };
  }

  /** Makes orphans of what closed writers left in the journals here. */
  #findLeft(): void {
    this.#hasLeft = false;
    this.#orphans.clear();
    for (const journal of this.#journals) {
      try {
        this.#orphans.add(journal, journal.read(), this.#living);
      } catch {
        this.#hasLeft = true;
      }
    }
  }

  /** See `Writer.close`. */
  close(tenant: Tenant, clock: Clock): void {
    if (!this.isOpen(tenant)) return;
    // What was deleted underneath since the last touch is saved again now or never.
    if (this.#living.size === 1) this.pulse.beat(clock);
    // Not before: where that found that another has what was saved, the writer has a new id.
    const { id, binding } = tenant;
    this.#living.delete(id);
    this.#served.set(bindingKey(binding), (this.#served.get(bindingKey(binding)) ?? 1) - 1);
    this.#orphans.release(id);
    if (this.#living.size > 0) {
      this.#hasLeft = true;
      this.#releaseSpent();
      // Not now: where all are closed in a row, the whole file is released, and nothing need be moved.
      this.#isGivingBack = true;
      this.#cancelGivingBack();
      this.#cancelGivingBack = clock.setTimer(() => this.#giveBack(clock), 0, true);
      return;
    }
    this.pulse.stop();
    this.#cancelGivingBack();
    this.#orphans.clear();
    for (const journal of this.#journals) this.#release(journal);
  }

  /** Moves what closed writers left out of the file of the living, into one that is nobody's. */
  #giveBack(clock: Clock): void {
    this.#isGivingBack = false;
    const own = this.#own;
    if (own === undefined) return;
    const isLeft = (writer: string): boolean => !this.#living.has(writer) && !this.#orphans.isAdopted(writer, own);
    if (![...own.stock.writers].some(isLeft)) return;
    const moved = this.#create(clock);
    if (!moveLeft(own, moved, isLeft)) {
      // Tried again at the next look.
      this.#isGivingBack = true;
      return;
    }
    // What was an orphan here may be none any more.
    this.#hasLeft = true;
    this.#journals.add(moved);
    this.#release(moved);
  }

  /**
   * Moves what was adopted out of a file in which others' entries wait, too, if it is not done with after a while: what the
   * server refuses must not hold up those.
   */
  #partFromStrangers(clock: Clock): void {
    for (const journal of [...this.#journals]) {
      const takenAt = this.#takenAt.get(journal) ?? Number.POSITIVE_INFINITY;
      if (journal === this.#own || clock.monotonic() - takenAt < PATIENCE_MS) continue;
      if (!this.#orphans.areIn(journal, (key) => !this.#isServed(key))) continue;
      try {
        moveAdopted(journal, this.journal(clock), this.#orphans);
        this.#releaseSpent();
      } catch {
        // Tried again at the next look.
      }
    }
  }

  /** Lets go of files that hold nothing more for the living here. */
  #releaseSpent(): void {
    for (const journal of this.#journals) {
      if (journal === this.#own || (!journal.isDrained && this.#isUsed(journal))) continue;
      this.#release(journal);
    }
  }

  #isUsed(journal: Journal): boolean {
    for (const writer of journal.stock.writers) {
      if (this.#orphans.isAdopted(writer, journal) && journal.stock.hasEntriesOf(writer)) return true;
    }
    return this.#orphans.areIn(journal, this.#isServed);
  }

  #release(journal: Journal): void {
    if (journal === this.#own) this.#own = undefined;
    try {
      journal.release();
      this.#forget(journal);
    } catch {
      // It keeps this process's name: tried again as long as an Api is open, and adopted once this process has ended.
      this.#hasLeft = true;
    }
  }

  /** The journal that this store's own writers save to. */
  journal(clock: Clock): Journal {
    if (this.#own?.isLost) {
      this.#follow(this.#own, clock);
      if (this.#own === undefined)
        throw new StorageException('another process took over what was saved', 'Nothing is lost. Commit again.');
    }
    if (this.#own?.isBroken) this.#renew(this.#own, clock);
    if (this.#own?.isTentative && !this.#own.isInPlace()) this.#renew(this.#own, clock);
    if (this.#own === undefined) {
      this.#own = this.#create(clock);
      this.#journals.add(this.#own);
    }
    return this.#own;
  }

  #create(clock: Clock): Journal {
    const file = randomId(clock);
    const path = join(this.#directory, journalName(this.#self, file));
    return new Journal(this.#platform.fs, path, file, true, this.#isSynced);
  }

  #forget(journal: Journal): void {
    this.#journals.delete(journal);
    this.#orphans.forget(journal);
    if (journal === this.#own) this.#own = undefined;
  }

  /** Shows others that the owner of the journals lives, and looks whether they are still its own. */
  #touch(clock: Clock): void {
    for (const journal of [...this.#journals]) {
      try {
        journal.isLost = !journal.isInPlace();
        if (journal.isLost) this.#follow(journal, clock);
        else journal.touch(clock.now() / 1000);
      } catch {
        // Tried again at the next touch.
      }
    }
  }

  *#tenantsOf(journal: Journal): Generator<Tenant> {
    for (const tenant of this.#living.values()) {
      const { value } = this.#orphans.adoptedBy(tenant.id, journal).next();
      if (value !== undefined || journal.stock.has(tenant.id)) yield tenant;
    }
  }

  /** Saves what stands in no journal any more: one that was lost, or what could not be read when one was moved. */
  saveAgain(tenant: Tenant, entries: readonly StoredEntry[], clock: Clock): void {
    // What a lost one held stands nowhere as long as it could not be moved.
    for (const journal of [...this.#journals]) if (!journal.isInPlace()) this.#follow(journal, clock);
    const missing = this.#missing(tenant, entries);
    if (missing.size > 0) {
      const journal = this.journal(clock);
      journal.saveAll(missing);
      for (const writer of missing.keys()) {
        if (writer !== tenant.id) this.#orphans.setAdopter(journal, writer, tenant.id);
      }
    }
    tenant.isCleared = false;
  }

  /** Those of the entries that stand in no journal, and that no other process has. */
  #missing({ binding, taken }: Tenant, entries: readonly StoredEntry[]): Map<string, Shelf> {
    const shelves = new Map<string, Shelf>();
    const journals = [...this.#journals];
    for (const entry of entries) {
      const { writer, sequence } = entry;
      if (taken?.writers.has(writer) || journals.some(({ stock }) => stock.wants(writer, sequence))) continue;
      const shelf = shelves.get(writer) ?? { writer, binding, entries: new Map() };
      shelf.entries.set(sequence, entry);
      shelves.set(writer, shelf);
    }
    return shelves;
  }

  /** The path of a journal leads elsewhere, as another process took it over or somebody deleted it; or it was cut. */
  #follow(journal: Journal, clock: Clock): void {
    const held = new Set(journal.stock.writers);
    const tenants = [...this.#tenantsOf(journal)];
    const isCut = journal.isReachable();
    const { shelves } = journal.read();
    // Whoever took it, and is done with it, deleted it too; but first it noted in it that nothing of it is wanted.
    const isDrained = held.size > 0 && journal.isDrained;
    if (!isCut && (isDrained || this.#takeover.isElsewhere(journal.file))) {
      this.#yield(journal, held, shelves, clock);
      return;
    }
    for (const tenant of tenants) tenant.isCleared = true;
    this.#renew(journal, clock);
  }

  /** Gives up a journal that another process has taken over. @param held - The writers of which it held something. */
  #yield(journal: Journal, held: ReadonlySet<string>, shelves: ReadonlyMap<string, Shelf>, clock: Clock): void {
    for (const tenant of [...this.#living.values()]) {
      const writers = new Set(this.#orphans.adoptedBy(tenant.id, journal));
      const isOwn = held.has(tenant.id);
      if (isOwn) writers.add(tenant.id);
      if (writers.size === 0) continue;
      const staged = shelves.get(tenant.id)?.staged;
      // They are staged here still, and must not come back elsewhere; where they can't be forgotten, they will.
      const isForgotten = staged !== undefined && forgetStaged(journal, tenant.id, tenant.binding, staged.run);
      tenant.taken = {
        writers: new Set([...(tenant.taken?.writers ?? []), ...writers]),
        isStagedTaken: (tenant.taken?.isStagedTaken ?? false) || (isOwn && tenant.hasStaged && !isForgotten),
      };
      if (isOwn) this.#rename(tenant, clock);
    }
    this.#forget(journal);
    journal.close();
  }

  /** Gives a writer a new id: its old one is for what another has of it. */
  #rename(tenant: Tenant, clock: Clock): void {
    this.#living.delete(tenant.id);
    const id = randomId(clock);
    this.#orphans.passOn(tenant.id, id);
    tenant.id = id;
    tenant.hasStaged = false;
    this.#living.set(id, tenant);
  }

  /** Moves a journal to a fresh file: its path leads elsewhere by now, or its disk failed. */
  #renew(journal: Journal, clock: Clock): void {
    const file = randomId(clock);
    journal.renew(join(this.#directory, journalName(this.#self, file)), file);
  }

  #has(file: string): boolean {
    for (const journal of this.#journals) if (journal.file === file) return true;
    return false;
  }
}
