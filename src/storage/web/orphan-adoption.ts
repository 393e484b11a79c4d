import { type Binding, sameBinding } from '../../core/model/destination.js';
import type { StoredEntry } from '../../core/model/entry.js';
import type { Warning } from '../../core/model/events.js';
import { ADOPTION_FAILED, entriesWaiting } from '../../core/notify/warnings.js';
import { type Adoption, RECOVERY_INTERVAL_SECONDS } from '../../core/ports/storage.js';
import { latestStaged, type StagedValues } from '../shared/run-number.js';
import { isClaimed } from './lease/heartbeat-lease.js';
import type { Lease, LeaseManager } from './lease/lease.js';
import {
  findWriters,
  heartbeatKey,
  lockName,
  type OrphanKeys,
  readEntries,
  stagedKey,
  writerKey,
} from './records/keys.js';
import type { StorageQuota } from './records/quota.js';
import { decodeStaged } from './records/record.js';

/** A writer must be found dead twice, this far apart: a new one may save before its lock is granted. */
const BETWEEN_LOOKS_MS = 1000;
/** A reload looks before the browser has freed the locks of the page that it replaces: those need a look more. */
const MAX_LOOKS = 3;
/** So many marks of writers of which nothing else is left are kept, for pages that wake up and must see that they were robbed. */
const MAX_TOMBSTONES = 50;

/** What is gathered while looking. */
interface Gathered {
  readonly entries: StoredEntry[];
  readonly staged: StagedValues[];
  readonly warnings: Warning[];
}

/** A dead writer that this one took. */
interface Adopted {
  readonly lease: Lease;
  /** What is still queued of it. */
  readonly sequences: Set<number>;
  /** How many of its records can't be read. */
  readonly unreadable: number;
}

/** Takes over what dead writers of one binding left, in place: their keys stay, and they are this writer's from then on. */
export class OrphanAdoption {
  readonly #quota: StorageQuota;
  readonly #leases: LeaseManager;
  readonly #binding: Binding;
  readonly #adopted = new Map<string, Adopted>();
  /** Writers of which nothing that can be read is left. */
  readonly #spent = new Set<string>();
  #closed = false;

  constructor(quota: StorageQuota, leases: LeaseManager, binding: Binding) {
    this.#quota = quota;
    this.#leases = leases;
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
  reconcile(): { readonly taken: readonly string[]; readonly isGone: boolean } {
    const taken: string[] = [];
    let isGone = false;
    for (const [writer, { lease }] of this.#adopted) {
      const state = lease.heartbeat?.state();
      if (state === 'taken') taken.push(writer);
      isGone ||= state === 'gone';
    }
    for (const writer of taken) this.#adopted.get(writer)?.lease.release(false);
    for (const writer of taken) this.#removeWriter(writer);
    return { taken, isGone };
  }

  /** Shows anew that one that was taken is held, where its keys were deleted. */
  restoreHeartbeat(writer: string): void {
    const heartbeat = this.#adopted.get(writer)?.lease.heartbeat;
    if (heartbeat?.state() === 'gone') heartbeat.start();
  }

  /** Shows again that those that were taken are held. */
  beat(): void {
    for (const { lease } of this.#adopted.values()) lease.heartbeat?.beat();
  }

  /** See `Writer.adopt`. @param own - Tells the adopter's id, which changes if it is robbed meanwhile. */
  async adopt(atStart: boolean, own: () => string): Promise<Adoption> {
    const gathered: Gathered = { entries: [], staged: [], warnings: [] };
    try {
      await this.#scan(atStart, own, gathered);
    } catch {
      // Entries that were adopted until then count.
      if (!this.#closed) gathered.warnings.push(ADOPTION_FAILED);
    }
    const { warnings } = gathered;
    // Not what another took again while this page slept, and was told so already.
    const entries = gathered.entries.filter((entry) => this.has(entry));
    return { entries, staged: latestStaged(gathered.staged), warnings, lookAgainSeconds: RECOVERY_INTERVAL_SECONDS };
  }

  async #scan(atStart: boolean, own: () => string, gathered: Gathered): Promise<void> {
    let deadBefore = new Set<string>();
    for (let look = 0; look < MAX_LOOKS && !this.#closed; look++) {
      if (look > 0) await this.#leases.wait(BETWEEN_LOOKS_MS);
      const all = this.#findAll();
      const others = this.#othersAmong(all, atStart);
      if (others.size === 0) return;
      const allDead = await this.#leases.findDead(all);
      const dead = [...others].filter(([writer]) => allDead.has(writer));
      gathered.warnings.push(...this.#foreign(dead));
      const ours = dead.filter(([, { binding }]) => binding && sameBinding(binding, this.#binding));
      const sure = ours.filter(([writer, { heartbeat }]) => heartbeat !== undefined || deadBefore.has(writer));
      if (sure.length > 0 && !this.#closed) await this.#adopt(new Map(sure), atStart, own, gathered);
      if (sure.length === ours.length && (look > 0 || ours.length === others.size)) return;
      deadBefore = new Set(ours.map(([writer]) => writer));
    }
  }

  /** To be called after the key of an entry was removed: lets go of a writer of which nothing is left. */
  removed({ writer, sequence }: StoredEntry): void {
    const adopted = this.#adopted.get(writer);
    if (adopted?.sequences.delete(sequence) && adopted.sequences.size === 0) this.#release(writer, adopted);
  }

  /** Gives back everything, to be adopted by others. */
  close(): void {
    this.#closed = true;
    for (const [writer, { lease }] of this.#adopted) {
      this.#removeWriter(writer);
      lease.release(true);
    }
  }

  #removeWriter(writer: string): void {
    this.#adopted.delete(writer);
    this.#quota.release(writer);
  }

  /** All writers of the origin; the room that others take is measured by the way. */
  #findAll(): Map<string, OrphanKeys> {
    const quota = this.#quota;
    const all = findWriters(quota.storage, (writer) => !quota.has(writer));
    let length = 0;
    for (const keys of all.values()) length += keys.length;
    quota.foundOthers(length);
    const marks = [...all].filter(([, { heartbeat, binding, hasStaged, sequences }]) => {
      return isClaimed(heartbeat) && !binding && !hasStaged && sequences.length === 0;
    });
    if (marks.length > MAX_TOMBSTONES) {
      for (const [writer] of marks.slice(MAX_TOMBSTONES / 2)) quota.storage.removeItem(heartbeatKey(writer));
    }
    return all;
  }

  /** The other writers that left something to take; staged values count only at the start. */
  #othersAmong(all: ReadonlyMap<string, OrphanKeys>, atStart: boolean): Map<string, OrphanKeys> {
    return new Map(
      [...all].filter(([writer, { binding, hasStaged, sequences }]) => {
        const isHeld = this.#quota.has(writer) || this.#spent.has(writer);
        return !isHeld && (sequences.length > 0 || (atStart && (binding !== undefined || hasStaged)));
      }),
    );
  }

  async #adopt(
    writers: ReadonlyMap<string, OrphanKeys>,
    atStart: boolean,
    own: () => string,
    gathered: Gathered,
  ): Promise<void> {
    const taken = await this.#leases.take(writers, own());
    try {
      const found = findWriters(this.#quota.storage, (writer) => taken.has(writer));
      for (const [writer, lease] of taken) {
        const keys = found.get(writer);
        if (this.#closed || keys === undefined) continue;
        this.#read(writer, keys, lease, atStart, gathered);
        taken.delete(writer);
      }
    } finally {
      // Left as it is, for the next look.
      for (const [writer, lease] of taken) {
        this.#quota.release(writer);
        lease.release(true);
      }
    }
  }

  #read(writer: string, keys: OrphanKeys, lease: Lease, atStart: boolean, gathered: Gathered): void {
    const { storage } = this.#quota;
    this.#quota.adopt(writer, keys.length);
    const { entries, unreadable } = readEntries(storage, writer, keys.sequences);
    const staged = atStart ? decodeStaged(storage.getItem(stagedKey(writer)) ?? '') : undefined;
    // Forgotten before they are staged again: lost by a crash in between, but never there twice.
    if (staged !== undefined) this.#quota.clear(writer, stagedKey(writer));
    for (const entry of entries) gathered.entries.push(entry);
    if (staged !== undefined) gathered.staged.push(staged);
    if (unreadable > 0) gathered.warnings.push(unreadableRecords(writer, unreadable));
    const adopted = { lease, sequences: new Set(entries.map((entry) => entry.sequence)), unreadable };
    if (entries.length === 0) {
      this.#release(writer, adopted);
      return;
    }
    this.#adopted.set(writer, adopted);
  }

  #release(writer: string, { lease, unreadable }: Adopted): void {
    this.#removeWriter(writer);
    let isLeaving = true;
    try {
      // A change of its own can arrive after its lock, or be made by a page that has not yet seen that it was robbed.
      const { hasStaged = false, sequences = [] } = findWriters(this.#quota.storage).get(writer) ?? {};
      isLeaving = hasStaged || sequences.length > 0;
      if (sequences.length <= unreadable) this.#spent.add(writer);
      if (!isLeaving) this.#quota.clear(writer, writerKey(writer));
    } finally {
      lease.release(isLeaving);
    }
  }

  /** What lies here that this `Api` can't push. */
  #foreign(dead: readonly (readonly [string, OrphanKeys])[]): Warning[] {
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
