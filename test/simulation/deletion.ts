import type { Lifecycle } from './lifecycle.js';
import type { Machine } from './machine.js';
import type { Run } from './run.js';
import type { World } from './world.js';

/** A page looks for orphans every 30 s, which takes some seconds; a process does so too, and writes its heartbeat every minute. */
const SAVED_AGAIN_WITHIN_MS = { web: 40_000, plain: 40_000, process: 92_000, power: 92_000 } as const;

/** Deletes saved data of living runs. @returns Whether there was any. */
export function deleteSaved(world: World, all: boolean, dice: number): boolean {
  const { machine, origin } = world;
  const journals = [...(machine?.disk.cached.keys() ?? [])].filter((name) => name.endsWith('.journal'));
  const journal = journals[dice % journals.length];
  world.wereTombstonesDeleted ||= world.schedule.platform === 'plain';
  if (origin) origin.clear();
  else if (all) machine?.disk.deleteFolder();
  else if (journal === undefined) return false;
  else machine?.disk.delete([journal]);
  world.ownership.tombstonesDeleted();
  const until = savedAgainBy(world);
  for (const run of world.runs) run.unsaved = { until, isOver: false };
  const [contents, held] = [world.contents(), heldInMemory(world)];
  // Entries of dead runs have no other copy.
  for (const commit of world.model.required)
    if (!contents.entries.has(commit.id ?? '') && !held.has(commit.id ?? '')) world.model.exempt(commit, 'deleted');
  // Unreadable records may have been on their way to another file, whose copy is the only one now.
  const left = world.schedule.platform === 'power' ? world.durableContents() : contents;
  world.markers = world.markers.filter((marker) => left.contains(marker));
  return true;
}

/** All descriptors die; with `deletes` the files are gone, too. */
export function killDescriptors(world: World, machine: Machine, deletes: boolean): void {
  machine.killDescriptors();
  // A file that can't be read any more is left where it is.
  world.mayBeDuplicated = true;
  world.mayKeepOldFile = true;
  if (deletes) deleteSaved(world, true, 0);
}

/** The ids of deleted entries that living runs hold in memory and need not have saved again yet. */
export function heldInMemory({ runs }: World): Set<string> {
  return new Set(runs.flatMap((run) => (run.unsaved ? idsOf(run) : [])));
}

/** Notes the entries that a process or page has in memory as it ends: those that are not saved are lost. */
export function rememberUnsaved({ runs }: World, lifecycle: Lifecycle): void {
  for (const run of runs)
    if (run.host.lifecycle === lifecycle && run.unsaved) run.unsaved = { ...run.unsaved, lastQueue: idsOf(run) };
}

/** Called after each step: some runs have had the time to save again, others ended before. */
export function followDeletions(world: World): void {
  for (const run of world.runs) {
    if (run.unsaved === undefined) continue;
    const { isAlive, isFrozen } = run.host.lifecycle;
    if (!isAlive || run.isClosed) exemptUnsaved(world, run);
    else if (isFrozen || world.isStorageBroken) run.unsaved = { until: savedAgainBy(world), isOver: false };
    else if (run.unsaved.isOver || mustBeSaved(world, run.unsaved.until)) run.unsaved = undefined;
  }
}

/** With a quota, other pages may have used it up meanwhile, and the entries stay only in memory. */
function mustBeSaved({ schedule, time }: World, until: number): boolean {
  return schedule.maxLength === undefined && time.monotonic >= until;
}

/** Exempts the entries of a run that were only in memory. */
export function exemptUnsaved(world: World, run: Run): void {
  const saved = world.schedule.platform === 'power' ? world.durableContents() : world.contents();
  for (const id of run.unsaved?.lastQueue ?? idsOf(run)) {
    const commit = world.model.byId(id);
    if (commit && world.model.required.has(commit) && !saved.entries.has(id)) world.model.exempt(commit, 'deleted');
  }
}

function savedAgainBy({ time, schedule }: World): number {
  return time.monotonic + SAVED_AGAIN_WITHIN_MS[schedule.platform];
}

/** The ids of the entries that a run holds in memory. */
export const idsOf = ({ api }: Run): string[] => [...api.log(), ...api.quarantined()].map(({ id }) => id);
