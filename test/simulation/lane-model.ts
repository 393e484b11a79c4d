import type { Commit } from './model.js';
import type { Run } from './run.js';
import type { FoundEntry } from './storage-contents.js';
import type { World } from './world.js';

export type LaneName = 'urgent' | 'live' | 'backlog';
const LANES: readonly LaneName[] = ['urgent', 'live', 'backlog'];

/** A wall clock before this, in Unix seconds, was never set. */
const RELEASED = 1_793_491_200;
/** The wall clock and the time of an entry are cut to whole seconds, and small changes of the clock are no jumps. */
const TOLERANCE_SECONDS = 3;

/** The course of the lanes in one push. */
export interface LaneTurn {
  readonly push: number;
  /** The entries that were queued when it began. */
  readonly queued: ReadonlySet<string>;
  /** The lane of its last upload that was stored. */
  stored: LaneName | undefined;
  lane: LaneName;
}

/** The expected lanes of entries: this shares no code with `lanes.ts`. */
export class LaneModel {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  laneOf(run: Run, commit: Commit | undefined): LaneName {
    const { time, schedule } = this.#world;
    if (commit?.own?.by !== run) return 'backlog';
    if (commit.own.isUrgent) return 'urgent';
    const isLive = schedule.order === 'live-first' && time.monotonic - commit.own.at < schedule.liveSeconds * 1000;
    return isLive ? 'live' : 'backlog';
  }

  /** The queue in the order in which it is sent; for an upload only the lane of its entries. */
  inOrder(run: Run, log: readonly FoundEntry[], ids: readonly string[] | undefined): FoundEntry[] {
    const of = (id: string): LaneName => this.laneOf(run, this.#world.model.byId(id));
    const [first] = ids ?? [];
    const lanes = first === undefined ? LANES : [of(first)];
    return lanes.flatMap((lane) => log.filter(({ id }) => of(id) === lane));
  }

  /** An upload leaves: urgent entries go first, then the live lane and the backlog alternately. */
  sent(run: Run, push: number, ids: readonly string[], queue: readonly string[]): void {
    const { model, count } = this.#world;
    const lane = this.laneOf(run, model.byId(ids[0] ?? ''));
    count.call(this.#world, `lane: ${lane}`);
    const last = run.turn?.push === push ? run.turn : undefined;
    const turn = { push, queued: last?.queued ?? new Set(queue), stored: last?.stored, lane };
    run.turn = turn;
    // A search for a bad entry goes on where it is.
    if (queue.some((id) => run.pushModel.maySkip(id)) || run.pushModel.hasRefused) return;
    const waits = (other: LaneName): boolean =>
      queue.some((id) => {
        const isCarried = other !== 'backlog' || turn.queued.has(id);
        return isCarried && this.laneOf(run, model.byId(id)) === other && !run.inFlight.has(id);
      });
    if (lane !== 'urgent' && waits('urgent'))
      model.reportViolation('I6', `the ${lane} lane goes before urgent entries`);
    if (lane === 'backlog' && turn.stored !== 'live' && waits('live'))
      model.reportViolation('I6', 'the backlog goes before live entries, though it is their turn');
    if (lane === 'live' && turn.stored === 'live' && waits('backlog'))
      model.reportViolation('I6', 'live entries go before the backlog, though it is its turn');
  }

  /** The server has answered the last upload. */
  stored(run: Run): void {
    if (run.turn && run.turn.lane !== 'urgent') run.turn.stored = run.turn.lane;
  }

  /** Whether an entry is older than `maxAge` allows: certainly, or perhaps. */
  isExpired(run: Run, commit: Commit, isCertain: boolean): boolean {
    const { time, schedule, uploads } = this.#world;
    const { maxAge } = schedule;
    const now = Math.floor(time.wall / 1000);
    if (maxAge === undefined || now < RELEASED) return false;
    const timestamp = uploads.timeOf(commit, run);
    const isGiven = commit.own?.by === run && commit.own.isTimeGiven;
    if (timestamp < RELEASED && !isGiven) return false;
    return now - timestamp > maxAge + (isCertain ? TOLERANCE_SECONDS : -TOLERANCE_SECONDS);
  }

  /** Entries leave as they are too old. */
  expired(run: Run, ids: readonly string[]): void {
    const { model } = this.#world;
    const quarantined = new Set(run.api.quarantined().map(({ id }) => id));
    for (const id of ids) {
      const commit = model.byId(id);
      if (commit === undefined || !this.isExpired(run, commit, false))
        model.reportViolation('I1', `${id} expired, though it is younger than maxAge`);
      if (run.inFlight.has(id)) model.reportViolation('I1', `${id} expired in flight`);
      if (quarantined.has(id)) model.reportViolation('I1', `${id} expired in quarantine`);
    }
  }

  /** Entries leave to make space: of each series the nearest ones, never two neighbours. */
  thinned(run: Run, ids: readonly string[]): void {
    const { model } = this.#world;
    const quarantined = run.api.quarantined().map(({ id }) => id);
    const log = run.api.log();
    const total = quarantined.length + log.length;
    if (ids.length > Math.ceil(total / 4))
      model.reportViolation('I1', `${ids.length} of ${total} entries left at once`);
    const thinned = new Set(ids.filter((id) => !quarantined.includes(id)));
    const left = quarantined.filter((id) => !ids.includes(id) && !run.restoring.has(id));
    if (thinned.size > 0 && left.length > 0) model.reportViolation('I1', 'queued entries left before quarantined ones');
    const series = new Map<string, string[]>();
    for (const { id, values } of log) {
      const name = JSON.stringify(values.map(({ fieldId }) => fieldId).sort());
      series.set(name, [...(series.get(name) ?? []), id]);
    }
    for (const entries of series.values())
      for (const [index, id] of entries.entries()) {
        if (!thinned.has(id)) continue;
        const isEnd = index === 0 || index === entries.length - 1;
        if (isEnd) model.reportViolation('I1', `${id} was dropped, the oldest or newest of its series`);
        if (thinned.has(entries[index + 1] ?? '')) model.reportViolation('I1', `${id} and its neighbour were dropped`);
        if (run.inFlight.has(id)) model.reportViolation('I1', `${id} was dropped in flight`);
        if (this.laneOf(run, model.byId(id)) === 'urgent')
          model.reportViolation('I1', `${id} was dropped, though it is urgent`);
      }
  }

  /** Entries that a run adopts are backlog to it, its own too. A run that was fenced knows its own until it notices that. */
  adopted(run: Run, ids: Iterable<string>): void {
    for (const id of ids) {
      const commit = this.#world.model.byId(id);
      if (commit?.own?.by === run) commit.own = undefined;
    }
  }
}
