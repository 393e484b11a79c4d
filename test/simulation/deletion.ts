import type { Life } from './life.js';
import type { Run } from './run.js';
import type { World } from './world.js';

/** A page looks every half a minute, which takes it some seconds; a process touches its file every minute. */
const SAVED_AGAIN_WITHIN_MS = { web: 40_000, plain: 40_000, process: 61_000, power: 61_000 } as const;

/** Deletes what is saved, underneath those who live. @returns Whether there was anything. */
export function deleteUnderneath(world: World, all: boolean, dice: number): boolean {
  const { machine, origin } = world;
  const journals = [...(machine?.disk.cached.keys() ?? [])].filter((name) => name.endsWith('.journal'));
  const journal = journals[dice % journals.length];
  world.wereMarksDeleted ||= world.schedule.platform === 'plain';
  if (origin) origin.clear();
  else if (all) machine?.disk.deleteFolder();
  else if (journal === undefined) return false;
  else machine?.disk.delete([journal]);
  world.thefts.marksAreGone();
  const until = savedAgainBy(world);
  for (const run of world.runs) run.unsaved = { until, isOver: false };
  const [holdings, held] = [world.holdings(), heldUnsaved(world)];
  // Of what the dead left there is no other copy.
  for (const commit of world.ledger.required)
    if (!holdings.entries.has(commit.id ?? '') && !held.has(commit.id ?? '')) world.ledger.excuse(commit, 'deleted');
  // What can't be read may just have been on its way to another file, whose copy is the only one now.
  const left = world.schedule.platform === 'power' ? world.durableHoldings() : holdings;
  world.markers = world.markers.filter((marker) => left.holds(marker));
  return true;
}

/** What living `Api`s have queued that was deleted underneath, and that they need not have saved again yet. */
export function heldUnsaved({ runs }: World): Set<string> {
  return new Set(runs.flatMap((run) => (run.unsaved ? idsOf(run) : [])));
}

/** What a process or page has in memory as it ends, and nowhere else, is lost. */
export function rememberUnsaved({ runs }: World, life: Life): void {
  for (const run of runs)
    if (run.host.life === life && run.unsaved) run.unsaved = { ...run.unsaved, lastQueue: idsOf(run) };
}

/** To be called after each step: some have had the time to save again, others died before that. */
export function followDeletions(world: World): void {
  for (const run of world.runs) {
    if (run.unsaved === undefined) continue;
    const { isAlive, isFrozen } = run.host.life;
    if (!isAlive || run.isClosed) excuseUnsaved(world, run);
    else if (isFrozen || world.isStorageBroken) run.unsaved = { until: savedAgainBy(world), isOver: false };
    else if (run.unsaved.isOver || mustBeSaved(world, run.unsaved.until)) run.unsaved = undefined;
  }
}

/** Where others took the room meanwhile, there may be none to save it again: until there is, it is in memory alone. */
function mustBeSaved({ schedule, time }: World, until: number): boolean {
  return schedule.maxLength === undefined && time.monotonic >= until;
}

/** What was in memory alone and is there no more was promised no longer. */
export function excuseUnsaved(world: World, run: Run): void {
  const saved = world.schedule.platform === 'power' ? world.durableHoldings() : world.holdings();
  for (const id of run.unsaved?.lastQueue ?? idsOf(run)) {
    const commit = world.ledger.byId(id);
    if (commit && world.ledger.required.has(commit) && !saved.entries.has(id)) world.ledger.excuse(commit, 'deleted');
  }
}

function savedAgainBy({ time, schedule }: World): number {
  return time.monotonic + SAVED_AGAIN_WITHIN_MS[schedule.platform];
}

/** What a run holds in memory. */
export const idsOf = ({ api }: Run): string[] => [...api.log(), ...api.quarantined()].map(({ id }) => id);
