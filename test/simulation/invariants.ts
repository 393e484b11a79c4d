import { followDeletions, heldInMemory } from './deletion.js';
import type { Commit } from './model.js';
import { KEY_MARK, type Run, writerOf } from './run.js';
import { readJournal, type StorageContents } from './storage-contents.js';
import type { World } from './world.js';

/** The deadlines of the requests with which a page goes away among them. */
const MAX_TIMERS = 18;
const SLACK_BYTES = 64 * 1024;

/** Checks the invariants that hold at any moment. @throws {@link Violation} */
export function checkInvariants(world: World): void {
  for (const { lifecycle } of world.hosts) {
    if (!lifecycle.endedWithin) continue;
    world.mayBeUncompacted = true;
    world.count('ended within an operation');
  }
  if (world.isStorageBroken) world.brokenAt = world.time.monotonic;
  followDeletions(world);
  world.removeEnded();
  if (world.machine && world.machine.boot > world.boot) exemptLostToPowerCut(world, world.machine.boot);
  checkStorage(world);
  const holders = new Map<string, Run>();
  for (const run of world.runs) checkRun(world, run, holders);
  checkSizes(world);
  world.model.throwViolation();
}

/** Exempts the entries lost to a power cut, where the durability does not cover it. */
function exemptLostToPowerCut(world: World, boot: number): void {
  world.boot = boot;
  world.model.afterPowerCut();
  // Entries moved out of a shared file are removed there without a sync, so that they may be in both files again.
  world.mayBeDuplicated = true;
  if (world.schedule.platform === 'power') return;
  const contents = world.contents();
  for (const commit of world.model.required)
    if (!contents.entries.has(commit.id ?? '')) world.model.exempt(commit, 'power cut');
  world.markers = world.markers.filter((marker) => contents.contains(marker));
}

function checkStorage(world: World): void {
  const { model } = world;
  const contents = world.contents();
  for (const found of contents.entries.values()) model.find(found, 'the storage');
  for (const { id, text } of missing(world, contents))
    model.reportViolation('I1', `${id} ${text} is neither stored nor kept`);
  if (contents.contains(KEY_MARK)) model.reportViolation('I8', 'the API key is in the storage');
  for (const marker of world.markers)
    if (!contents.contains(marker)) model.reportViolation('I5', `an unreadable record was deleted: ${String(marker)}`);
  if (world.schedule.platform === 'power') checkPower(world);
}

function missing(world: World, { entries }: StorageContents): Commit[] {
  const lost = [...world.model.required].filter(({ id }) => !entries.has(id ?? ''));
  if (lost.length === 0) return lost;
  const unsaved = heldInMemory(world);
  return lost.filter(({ id }) => !unsaved.has(id ?? ''));
}

/** Acknowledged commits must survive a power cut at this moment. */
function checkPower(world: World): void {
  const { model, markers } = world;
  const certain = world.durableContents();
  for (const { id, text } of missing(world, certain))
    model.reportViolation('I1', `${id} ${text} is kept, but not through a power cut`);
  for (const marker of markers)
    if (!certain.contains(marker))
      model.reportViolation('I5', `a power cut now would delete an unreadable record: ${String(marker)}`);
}

function checkRun(world: World, run: Run, holders: Map<string, Run>): void {
  const { model, time } = world;
  const { staged, committed, bytes, warnings, suppressed, paused } = run.api.status();
  if (staged !== run.staged.size) model.reportViolation('I3', `${staged} values are staged, not ${run.staged.size}`);
  if (suppressed !== run.deadBands.suppressed)
    model.reportViolation('I3', `${suppressed} values were left out, not ${run.deadBands.suppressed}`);
  if (paused !== run.isHeld) model.reportViolation('I3', `the status says paused: ${paused}, after the opposite call`);
  // Reading a queue is the most expensive check, and each request reads it again.
  const { seen } = run;
  if (committed !== seen.committed || bytes !== seen.bytes) {
    const queue = world.readQueue(run);
    if (committed !== queue.length) model.reportViolation('I2', `${committed} entries are queued, not ${queue.length}`);
    run.seen = { committed, bytes, queue, warnings: seen.warnings };
  }
  for (const id of run.seen.queue) {
    const other = holders.get(id);
    if (other && !mayBothHold(world, run, other, id))
      model.reportViolation('I7', `${id} is in the queues of two Apis that live`);
    holders.set(id, run);
  }
  if (warnings.length > seen.warnings) world.showed(JSON.stringify(warnings));
  run.seen.warnings = warnings.length;
  const timers = time.timersOf(run);
  if (timers > MAX_TIMERS) model.reportViolation('I7', `${timers} timers of one Api are set`);
}

function mayBothHold(world: World, one: Run, other: Run, id: string): boolean {
  if (world.ownership.isUnnoticed(one, id) || world.ownership.isUnnoticed(other, id)) return true;
  if (!world.mayBeDuplicated) return false;
  // A file that can't be deleted keeps its owner's name without a heartbeat: after 3 minutes others may adopt it.
  return world.mayKeepOldFile || ![one, other].some(({ writers }) => writers.has(writerOf(id)));
}

function checkSizes({ model, machine, mayBeUncompacted, markers }: World): void {
  if (machine === undefined || mayBeUncompacted || markers.length > 0) return;
  for (const [name, { cached }] of machine.disk.cached) {
    if (!name.endsWith('.journal') || cached.length <= SLACK_BYTES) continue;
    const { wantedBytes } = readJournal(cached);
    if (cached.length > SLACK_BYTES + 2 * wantedBytes)
      model.reportViolation('I7', `a journal is of ${cached.length} bytes, with ${wantedBytes} queued or staged`);
  }
}
