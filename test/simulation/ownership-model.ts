import type { StoredEntry } from '../../src/core/model/entry.js';
import { idsOf } from './deletion.js';
import type { Host, Run } from './run.js';
import type { World } from './world.js';

/** A writer without a heartbeat for this long is presumed dead, though it may be frozen. */
const PRESUMED_DEAD_AFTER_MS = 180_000;
/** After a thaw, the next heartbeat comes within this time. */
const HEARTBEAT_AFTER_THAW_MS = 70_000;

/** The owner of each adopted entry. Entries of a living run are adopted only while it is frozen, and it is fenced at its next check. */
export class OwnershipModel {
  readonly #world: World;
  readonly #adoptions = new Map<string, { readonly by: Run; readonly at: number }>();
  /** Entries with two owners, as the tombstones that would fence the first one were deleted. */
  readonly #contested = new Set<string>();
  /** The runs that were adopting when the tombstones were deleted. */
  readonly #withoutTombstones = new Set<Run>();
  #count = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** The next logical time. */
  tick(): number {
    this.#count += 1;
    return this.#count;
  }

  adopted(by: Run, entries: readonly StoredEntry[]): void {
    const hasNoTombstones = this.#withoutTombstones.delete(by);
    if (entries.length === 0) return;
    const others = this.#world.runs.filter((run) => run !== by && run.host.lifecycle.isAlive && !run.isClosed);
    const held = others.map((run) => [run, new Set(idsOf(run))] as const);
    for (const { writer, sequence } of entries) {
      if (this.#isStale(by, writer)) continue;
      const id = `${writer}-${sequence}`;
      if (hasNoTombstones && held.some(([, ids]) => ids.has(id))) this.#contested.add(id);
      for (const [run, ids] of held) if (ids.has(id) && !this.#contested.has(id)) this.#fenced(run, writer);
      this.#adoptions.set(id, { by, at: this.tick() });
    }
  }

  /** Tombstones and files that would have fenced frozen runs were deleted. */
  tombstonesDeleted(): void {
    for (const run of this.#world.runs) {
      if (run.isAdopting) this.#withoutTombstones.add(run);
      for (const id of run.seen.queue) if (this.isUnnoticed(run, id)) this.#contested.add(id);
    }
  }

  /** Whether another run has adopted an entry, and this one has not checked since, or can't be fenced. */
  isUnnoticed(run: Run, id: string): boolean {
    if (this.#contested.has(id)) return true;
    const taken = this.#adoptions.get(id);
    return taken !== undefined && taken.by !== run && run.checkedAt < taken.at;
  }

  /** A run checks right before it sends: of adopted entries, no more than those in flight are sent twice. */
  sent(run: Run, ids: Iterable<string>): void {
    for (const id of ids) {
      const taken = this.#adoptions.get(id);
      if (!taken || taken.by === run || this.#contested.has(id) || this.#world.mayBeDuplicated) continue;
      if (!this.#isReleased(taken.by, id))
        this.#world.model.reportViolation('I7', `${id} is sent by a run that was fenced from it`);
    }
  }

  fileAdopted(from: Host, isSameNamespace: boolean, silentMs: number): void {
    this.#world.count('a frozen run was fenced');
    if (isSameNamespace)
      this.#world.model.reportViolation('I7', 'a file was adopted from a process that is seen to live');
    // A file that could not be deleted after its entries were moved, or not be released by its last `Api`, has no heartbeat.
    if (!this.#world.mayBeDuplicated && !this.#world.mayStayOwned) this.#checkSilence(from, silentMs, 'a file');
  }

  /** Whether the adopter of an entry ended before it pushed it, so that the entry is its first owner's again. */
  #isReleased({ host, isClosed }: Run, id: string): boolean {
    return (!host.lifecycle.isAlive || isClosed) && this.#world.contents().entries.has(id);
  }

  /** Whether a run that was frozen while it adopted returns entries that another run has adopted meanwhile. */
  #isStale({ writers }: Run, writer: string): boolean {
    const heartbeat = this.#world.origin?.items.get(`nikdev-iot/1/${writer}/life`);
    if (heartbeat === undefined) return false;
    return heartbeat[0] !== '@' || ![...writers].some((own) => own.startsWith(heartbeat.slice(1, 11)));
  }

  #fenced({ host }: Run, writer: string): void {
    const last = host.page?.heartbeats.get(writer);
    if (last === undefined || last.isLeft) return;
    this.#world.count('a frozen run was fenced');
    this.#checkSilence(host, this.#world.time.monotonic - last.at, `writer ${writer}`);
  }

  #checkSilence({ lifecycle, frozenAt }: Host, silentMs: number, subject: string): void {
    const { model, time, brokenAt } = this.#world;
    const awake = lifecycle.isFrozen ? 0 : time.monotonic - Math.max(frozenAt, brokenAt);
    if (silentMs < PRESUMED_DEAD_AFTER_MS || awake > HEARTBEAT_AFTER_THAW_MS)
      model.reportViolation(
        'I7',
        `${subject} was adopted from a living run, silent for ${silentMs} ms and awake for ${awake} ms`,
      );
  }
}
