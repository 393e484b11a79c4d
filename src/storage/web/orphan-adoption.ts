import { type Destination, sameDestination } from '../../core/model/destination.js';
import type { StoredEntry } from '../../core/model/entry.js';
import type { Warning } from '../../core/model/events.js';
import { ADOPTION_FAILED, entriesWaiting } from '../../core/notify/warnings.js';
import { type Adoption, type AdoptOptions, RECOVERY_INTERVAL_SECONDS } from '../../core/ports/storage.js';
import { latestStaged, type StagedValues } from '../shared/run-number.js';
import { isClaimed, LEAVES_ENTRIES, LEAVES_NOTHING } from './lease/heartbeat-lease.js';
import type { Lease, LeaseManager } from './lease/lease.js';
import {
  findWriters,
  heartbeatKey,
  lockName,
  type OrphanKeys,
  readEntries,
  readItem,
  stagedKey,
  writerKey,
} from './records/keys.js';
import type { StorageQuota } from './records/quota.js';
import { decodeStaged } from './records/record.js';

/** A writer must be found dead in two scans this far apart: a new writer may save before its lock is granted. */
const BETWEEN_SCANS_MS = 1000;
/** A reloaded page scans before the browser has freed the locks of the page that it replaces, which takes one more scan. */
const MAX_SCANS = 3;
/** The maximum number of tombstones, by which pages that wake up notice that they were fenced. */
const MAX_TOMBSTONES = 50;

/** One adoption, and its findings so far. */
interface Round extends AdoptOptions {
  /** Returns the adopter's id, which changes when the adopter is fenced. */
  readonly own: () => string;
  readonly entries: StoredEntry[];
  readonly staged: StagedValues[];
  readonly warnings: Warning[];
}

/** A dead writer that was adopted. */
interface Adopted {
  readonly lease: Lease;
  /** Its entries that are still queued. */
  readonly sequences: Set<number>;
  /** The number of its unreadable records. */
  readonly unreadable: number;
}

/** Adopts the orphans of one destination in place: their keys stay, and the adopter owns them. */
export class OrphanAdoption {
  readonly #quota: StorageQuota;
  readonly #leases: LeaseManager;
  readonly #destination: Destination;
  readonly #adopted = new Map<string, Adopted>();
  /** Adopted writers without entries, to be released. */
  readonly #emptied = new Set<string>();
  /** Writers without readable entries. */
  readonly #spent = new Set<string>();
  #closed = false;

  constructor(quota: StorageQuota, leases: LeaseManager, destination: Destination) {
    this.#quota = quota;
    this.#leases = leases;
    this.#destination = destination;
  }

  /** The adopted writers that still have entries. */
  get writers(): Iterable<string> {
    return this.#adopted.keys();
  }

  /** Whether an entry was adopted and is not yet removed. */
  has({ writer, sequence }: StoredEntry): boolean {
    return this.#adopted.get(writer)?.sequences.has(sequence) ?? false;
  }

  /** Checks whether another page has adopted, or someone has deleted, the keys of adopted writers. */
  reconcile(): { readonly claimed: readonly string[]; readonly isGone: boolean } {
    const claimed: string[] = [];
    let isGone = false;
    for (const [writer, { lease }] of this.#adopted) {
      const state = lease.heartbeat?.state();
      if (state === 'claimed') claimed.push(writer);
      isGone ||= state === 'gone';
    }
    for (const writer of claimed) this.#adopted.get(writer)?.lease.release(LEAVES_NOTHING);
    for (const writer of claimed) this.#removeWriter(writer);
    return { claimed, isGone };
  }

  /** Writes the heartbeat of an adopted writer again after its keys were deleted. */
  restoreHeartbeat(writer: string): void {
    const heartbeat = this.#adopted.get(writer)?.lease.heartbeat;
    if (heartbeat?.state() === 'gone') heartbeat.start();
  }

  /** See {@link Writer.adopt}. @param own - Returns the adopter's id, which changes when the adopter is fenced. */
  async adopt({ isFirst }: AdoptOptions, own: () => string): Promise<Adoption> {
    const round: Round = { isFirst, own, entries: [], staged: [], warnings: [] };
    try {
      await this.#scan(round);
    } catch {
      // Entries that were adopted before the failure count.
      if (!this.#closed) round.warnings.push(ADOPTION_FAILED);
    }
    const { warnings } = round;
    // `check` has reported entries that another page adopted while this page slept.
    const entries = round.entries.filter((entry) => this.has(entry));
    return { entries, staged: latestStaged(round.staged), warnings, lookAgainSeconds: RECOVERY_INTERVAL_SECONDS };
  }

  async #scan(round: Round): Promise<void> {
    let deadBefore = new Set<string>();
    for (let scan = 0; scan < MAX_SCANS && !this.#closed; scan++) {
      if (scan > 0) await this.#leases.wait(BETWEEN_SCANS_MS);
      const all = this.#findAll();
      const others = this.#othersAmong(all, round);
      if (others.size === 0) return;
      const allDead = await this.#leases.findDead(all);
      const dead = [...others].filter(([writer]) => allDead.has(writer));
      round.warnings.push(...this.#foreign(dead));
      const ours = dead.filter(([, { destination }]) => destination && sameDestination(destination, this.#destination));
      const { isOneProgram } = this.#leases;
      const sure = ours.filter(([writer, { heartbeat }]) => isOneProgram || heartbeat || deadBefore.has(writer));
      if (sure.length > 0 && !this.#closed) await this.#adopt(new Map(sure), round);
      if (isOneProgram) return;
      if (sure.length === ours.length && (scan > 0 || ours.length === others.size)) return;
      deadBefore = new Set(ours.map(([writer]) => writer));
    }
  }

  /** To be called once the key of an entry is removed. */
  removed({ writer, sequence }: StoredEntry): void {
    const adopted = this.#adopted.get(writer);
    if (adopted?.sequences.delete(sequence) && adopted.sequences.size === 0) this.#emptied.add(writer);
  }

  /** Releases all adopted writers without entries, together, as this scans all keys. */
  releaseEmptied(): void {
    if (this.#emptied.size === 0) return;
    const found = findWriters(this.#quota.storage);
    for (const writer of this.#emptied) {
      this.#emptied.delete(writer);
      this.#release(writer, found.get(writer));
    }
  }

  /** Releases all adopted writers, for other pages to adopt. */
  close(): void {
    this.#closed = true;
    for (const [writer, { lease }] of this.#adopted) {
      this.#removeWriter(writer);
      lease.release(LEAVES_ENTRIES);
    }
  }

  #removeWriter(writer: string): void {
    this.#adopted.delete(writer);
    this.#quota.release(writer);
  }

  /** Finds all writers of the origin, and measures the usage of all other writers. */
  #findAll(): Map<string, OrphanKeys> {
    const quota = this.#quota;
    const all = findWriters(quota.storage, (writer) => !quota.has(writer));
    let length = 0;
    for (const keys of all.values()) length += keys.length;
    quota.foundOthers(length);
    const tombstones = [...all].filter(([, { heartbeat, destination, hasStaged, sequences }]) => {
      return isClaimed(heartbeat) && !destination && !hasStaged && sequences.length === 0;
    });
    if (tombstones.length > MAX_TOMBSTONES) {
      for (const [writer] of tombstones.slice(MAX_TOMBSTONES / 2)) quota.storage.removeItem(heartbeatKey(writer));
    }
    return all;
  }

  /** The writers with entries to adopt; staged values count only at the start. */
  #othersAmong(all: ReadonlyMap<string, OrphanKeys>, { isFirst }: AdoptOptions): Map<string, OrphanKeys> {
    return new Map(
      [...all].filter(([writer, { destination, hasStaged, sequences }]) => {
        const isHeld = this.#quota.has(writer) || this.#spent.has(writer);
        return !isHeld && (sequences.length > 0 || (isFirst && (destination !== undefined || hasStaged)));
      }),
    );
  }

  async #adopt(writers: ReadonlyMap<string, OrphanKeys>, round: Round): Promise<void> {
    const acquired = await this.#leases.acquire(writers, round.own());
    try {
      const found = findWriters(this.#quota.storage, (writer) => acquired.has(writer));
      for (const [writer, lease] of acquired) {
        const keys = found.get(writer);
        if (this.#closed || keys === undefined) continue;
        this.#read(writer, keys, lease, round);
        acquired.delete(writer);
      }
    } finally {
      // Released unread, for the next scan.
      for (const [writer, lease] of acquired) {
        this.#quota.release(writer);
        lease.release(LEAVES_ENTRIES);
      }
      this.releaseEmptied();
    }
  }

  #read(writer: string, keys: OrphanKeys, lease: Lease, round: Round): void {
    const { storage } = this.#quota;
    this.#quota.adopt(writer, keys.length);
    const { entries, unreadable } = readEntries(storage, writer, keys.sequences);
    const staged = round.isFirst ? decodeStaged(readItem(storage, stagedKey(writer)) ?? '') : undefined;
    // Removed before they are staged here: a crash in between loses them, but they are never staged twice.
    if (staged !== undefined) this.#quota.removeItem(writer, stagedKey(writer));
    for (const entry of entries) round.entries.push(entry);
    if (staged !== undefined) round.staged.push(staged);
    if (unreadable > 0) round.warnings.push(unreadableRecords(writer, unreadable));
    this.#adopted.set(writer, { lease, sequences: new Set(entries.map((entry) => entry.sequence)), unreadable });
    if (entries.length === 0) this.#emptied.add(writer);
  }

  #release(writer: string, { hasStaged, sequences }: Pick<OrphanKeys, 'hasStaged' | 'sequences'> = NO_KEYS): void {
    const adopted = this.#adopted.get(writer);
    // Another page has adopted it meanwhile.
    if (adopted === undefined) return;
    this.#removeWriter(writer);
    // Its last changes may arrive after its lock was freed, or come from a page that has not noticed yet that it was fenced.
    const leavesEntries = hasStaged || sequences.length > 0;
    if (sequences.length <= adopted.unreadable) this.#spent.add(writer);
    try {
      if (!leavesEntries) this.#quota.removeItem(writer, writerKey(writer));
    } finally {
      adopted.lease.release({ leavesEntries });
    }
  }

  /** Warns of orphans that this `Api` can't push. */
  #foreign(dead: readonly (readonly [string, OrphanKeys])[]): Warning[] {
    return dead.flatMap(([writer, { destination, sequences }]): Warning[] => {
      if (sequences.length === 0 || (destination && sameDestination(destination, this.#destination))) return [];
      return [destination ? entriesWaiting(destination, 'this storage') : unreadableRecords(writer, sequences.length)];
    });
  }
}

const NO_KEYS = { hasStaged: false, sequences: [] };

function unreadableRecords(writer: string, count: number): Warning {
  return {
    code: 'unreadable-records',
    message: `${count} records under ${JSON.stringify(lockName(writer))} can't be read: they are damaged or of a newer version. They stay in the storage.`,
  };
}
