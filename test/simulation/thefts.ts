import type { StoredEntry } from '../../src/core/model/entry.js';
import { idsOf } from './deletion.js';
import type { Host, Run } from './run.js';
import type { World } from './world.js';

/** Who says nothing for so long is presumed dead, and may turn out to live. */
const SILENT_MS = 180_000;
/** After it wakes up, its next sign of life may take so long. */
const SILENT_AFTER_SLEEP_MS = 70_000;

/** Who has taken entries from whom, of those who live: only those who slept, and they give up what was taken at once. */
export class Thefts {
  readonly #world: World;
  readonly #taken = new Map<string, { readonly by: Run; readonly at: number }>();
  /** What was taken from sleepers who can't be told any more: they save it again, and so does whoever took it. */
  readonly #contested = new Set<string>();
  /** Who was taking over when the marks were deleted by which one could tell that another has that by now. */
  readonly #unmarked = new Set<Run>();
  #count = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** A moment that is after all those before. */
  now(): number {
    this.#count += 1;
    return this.#count;
  }

  adopted(by: Run, entries: readonly StoredEntry[]): void {
    const isUnmarked = this.#unmarked.delete(by);
    if (entries.length === 0) return;
    const others = this.#world.runs.filter((run) => run !== by && run.host.life.isAlive && !run.isClosed);
    const held = others.map((run) => [run, new Set(idsOf(run))] as const);
    for (const { writer, sequence } of entries) {
      if (this.#isStale(by, writer)) continue;
      const id = `${writer}-${sequence}`;
      if (isUnmarked && held.some(([, ids]) => ids.has(id))) this.#contested.add(id);
      for (const [run, ids] of held) if (ids.has(id) && !this.#contested.has(id)) this.#robbed(run, writer);
      this.#taken.set(id, { by, at: this.now() });
    }
  }

  /** Marks and files were deleted that would have told the robbed. */
  marksAreGone(): void {
    for (const run of this.#world.runs) {
      if (run.isAdopting) this.#unmarked.add(run);
      for (const id of run.seen.queue) if (this.isUntold(run, id)) this.#contested.add(id);
    }
  }

  /** Whether another has taken an entry, and this one has not asked since, or can't be told. */
  isUntold(run: Run, id: string): boolean {
    if (this.#contested.has(id)) return true;
    const taken = this.#taken.get(id);
    return taken !== undefined && taken.by !== run && run.checkedAt < taken.at;
  }

  /** Whoever sends has asked right before: of what was taken, no more than what was under way is doubled. */
  sent(run: Run, ids: Iterable<string>): void {
    for (const id of ids) {
      const taken = this.#taken.get(id);
      if (!taken || taken.by === run || this.#contested.has(id) || this.#world.mayStandTwice) continue;
      if (!this.#isGivenBack(taken.by, id))
        this.#world.ledger.accuse('I7', `${id} is sent by one that another took it from`);
    }
  }

  ofFile(robbed: Host, isSameNamespace: boolean, silent: number): void {
    this.#world.count('a sleeper was robbed');
    if (isSameNamespace) this.#world.ledger.accuse('I7', 'a file was taken from one that can be seen to live');
    // One that could not be deleted when what it held was moved, or given back by its last `Api`, is nobody's to touch.
    if (!this.#world.mayStandTwice && !this.#world.mayBeHeld) this.#judge(robbed, silent, 'a file');
  }

  /** Whether the one that took an entry left before it was pushed: as nobody else has it, it is its first owner's again. */
  #isGivenBack({ host, isClosed }: Run, id: string): boolean {
    return (!host.life.isAlive || isClosed) && this.#world.holdings().entries.has(id);
  }

  /** Whether one that slept while it looked around brings home what another has taken from it meanwhile. */
  #isStale({ writers }: Run, writer: string): boolean {
    const life = this.#world.origin?.items.get(`nikdev-iot/1/${writer}/life`);
    if (life === undefined) return false;
    return life[0] !== '@' || ![...writers].some((own) => own.startsWith(life.slice(1, 11)));
  }

  #robbed({ host }: Run, writer: string): void {
    const sign = host.page?.signs.get(writer);
    if (sign === undefined || sign.isLeft) return;
    this.#world.count('a sleeper was robbed');
    this.#judge(host, this.#world.time.monotonic - sign.at, `writer ${writer}`);
  }

  #judge({ life, frozenAt }: Host, silent: number, what: string): void {
    const { ledger, time, brokenAt } = this.#world;
    const awake = life.isFrozen ? 0 : time.monotonic - Math.max(frozenAt, brokenAt);
    if (silent < SILENT_MS || awake > SILENT_AFTER_SLEEP_MS)
      ledger.accuse('I7', `${what} was taken from the living, silent for ${silent} ms and awake for ${awake} ms`);
  }
}
