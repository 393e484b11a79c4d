import { followDeletions, heldUnsaved } from './deletion.js';
import type { Commit } from './ledger.js';
import { type Holdings, readJournal } from './records.js';
import { KEY_MARK, type Run, writerOf } from './run.js';
import type { World } from './world.js';

const MOST_TIMERS = 8;
const SLACK_BYTES = 64 * 1024;

/** Sees that everything is as it must be at any moment. @throws {@link Violation} */
export function check(world: World): void {
  for (const { life } of world.hosts) {
    if (!life.endedWithin) continue;
    world.mayBeLarge = true;
    world.count('ended within an operation');
  }
  if (world.isStorageBroken) world.brokenAt = world.time.monotonic;
  followDeletions(world);
  world.bury();
  if (world.machine && world.machine.boot > world.boot) powerWasCut(world, world.machine.boot);
  checkStorage(world);
  const holders = new Map<string, Run>();
  for (const run of world.runs) checkRun(world, run, holders);
  checkSizes(world);
  world.ledger.judge();
}

/** Where a power cut need not be survived, what it took was not promised. */
function powerWasCut(world: World, boot: number): void {
  world.boot = boot;
  world.ledger.powerWasCut();
  // What was moved out of a file in which others' entries wait is forgotten there without a sync: it may stand in both again.
  world.mayStandTwice = true;
  if (world.schedule.platform === 'power') return;
  const holdings = world.holdings();
  for (const commit of world.ledger.required)
    if (!holdings.entries.has(commit.id ?? '')) world.ledger.excuse(commit, 'power cut');
  world.markers = world.markers.filter((marker) => holdings.holds(marker));
}

function checkStorage(world: World): void {
  const { ledger } = world;
  const holdings = world.holdings();
  for (const found of holdings.entries.values()) ledger.find(found, 'the storage');
  for (const { id, text } of missing(world, holdings)) ledger.accuse('I1', `${id} ${text} is neither stored nor kept`);
  if (holdings.holds(KEY_MARK)) ledger.accuse('I8', 'the API key is in the storage');
  for (const marker of world.markers)
    if (!holdings.holds(marker)) ledger.accuse('I5', `what can't be read was deleted: ${String(marker)}`);
  if (world.schedule.platform === 'power') checkPower(world);
}

function missing(world: World, { entries }: Holdings): Commit[] {
  const lost = [...world.ledger.required].filter(({ id }) => !entries.has(id ?? ''));
  if (lost.length === 0) return lost;
  const unsaved = heldUnsaved(world);
  return lost.filter(({ id }) => !unsaved.has(id ?? ''));
}

/** What was promised must be there even if the power fails now and nothing survives that was not synced. */
function checkPower(world: World): void {
  const { ledger, markers } = world;
  const certain = world.durableHoldings();
  for (const { id, text } of missing(world, certain))
    ledger.accuse('I1', `${id} ${text} is kept, but not through a power cut`);
  for (const marker of markers)
    if (!certain.holds(marker))
      ledger.accuse('I5', `a power cut now would delete what can't be read: ${String(marker)}`);
}

function checkRun(world: World, run: Run, holders: Map<string, Run>): void {
  const { ledger, time } = world;
  const { staged, committed, bytes, warnings } = run.api.status();
  if (staged !== run.staged.size) ledger.accuse('I3', `${staged} values are staged, not ${run.staged.size}`);
  // Reading a queue costs the most of all this, and what is sent of it is read again.
  const { seen } = run;
  if (committed !== seen.committed || bytes !== seen.bytes) {
    const queue = world.readQueue(run);
    if (committed !== queue.length) ledger.accuse('I2', `${committed} entries are queued, not ${queue.length}`);
    run.seen = { committed, bytes, queue, warnings: seen.warnings };
  }
  for (const id of run.seen.queue) {
    const other = holders.get(id);
    if (other && !mayBothHold(world, run, other, id))
      ledger.accuse('I7', `${id} is in the queues of two Apis that live`);
    holders.set(id, run);
  }
  if (warnings.length > seen.warnings) world.showed(JSON.stringify(warnings));
  run.seen.warnings = warnings.length;
  const timers = time.timersOf(run);
  if (timers > MOST_TIMERS) ledger.accuse('I7', `${timers} timers of one Api are set`);
}

function mayBothHold(world: World, one: Run, other: Run, id: string): boolean {
  if (world.thefts.isUntold(one, id) || world.thefts.isUntold(other, id)) return true;
  if (!world.mayStandTwice) return false;
  // What can't be deleted is left in the owner's name, untouched: after three minutes others may take it for dead.
  return world.mayKeepOld || ![one, other].some(({ writers }) => writers.has(writerOf(id)));
}

function checkSizes({ ledger, machine, mayBeLarge, markers }: World): void {
  if (machine === undefined || mayBeLarge || markers.length > 0) return;
  for (const [name, { cached }] of machine.disk.cached) {
    if (!name.endsWith('.journal') || cached.length <= SLACK_BYTES) continue;
    const { wantedBytes } = readJournal(cached);
    if (cached.length > SLACK_BYTES + 2 * wantedBytes)
      ledger.accuse('I7', `a journal is of ${cached.length} bytes, with ${wantedBytes} queued or staged`);
  }
}
