import { withoutCollection } from '../support/collection.js';
import { execute, push, restoreQuarantined } from './commands.js';
import { wakeUp } from './freezing.js';
import { checkInvariants } from './invariants.js';
import type { Commit } from './model.js';
import { recoverTwice } from './recovery.js';
import { BINDINGS, type Bug } from './run.js';
import type { Schedule } from './schedule.js';
import { settled } from './time.js';
import { World } from './world.js';

/** Runs a schedule, then heals all faults and checks that everything is delivered. @throws {@link Violation} */
export async function simulate(schedule: Schedule, bug: Bug = {}): Promise<World> {
  const undo = bug.patch?.();
  const restore = withoutCollection();
  const { stackTraceLimit } = Error;
  // Thousands of faults are thrown, and no stack trace is read.
  Error.stackTraceLimit = 0;
  try {
    const world = new World(schedule, bug);
    for (const command of schedule.commands) {
      await execute(world, command);
      await settled();
      checkInvariants(world);
    }
    await recoverTwice(world, bug);
    await deliver(world);
    await end(world);
    return world;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    restore();
    undo?.();
  }
}

/** Writers without a heartbeat are presumed dead after 3 minutes. */
const ADOPTED_WITHIN_MS = 250_000;
const LOOKS_WITHIN_MS = 35_000;
/** A file with entries of several destinations is adopted by one run after the other. */
const MIN_ROUNDS = 3;

/** An entry over which requests fail is isolated only after several pushes with smaller and smaller batches. */
const MAX_ROUNDS = 150;

/** With a healthy network and storage, one more run for each destination delivers every acknowledged commit. */
async function deliver(world: World): Promise<void> {
  const { model, time, network, schedule } = world;
  network.outcomes = [];
  for (const [, status] of network.bad) if (![400, 413, 422].includes(status)) world.hasFailingEntries = true;
  if (network.cutsOff) world.hasFailingEntries = true;
  if (schedule.isCompressed) world.hasFailingEntries = true;
  // A server that took compressed bodies before must go on doing so; one that never did may refuse them for ever.
  if (world.runs.some(({ encoding }) => encoding.isProven)) network.encodings = 'gzip';
  world.machine?.disk.heal();
  world.origin?.heal();
  for (const { lifecycle } of world.hosts) lifecycle.endAfter(Number.POSITIVE_INFINITY);
  // A file that could not be released when its last Api was closed is adopted after the end of its process.
  for (const host of world.hosts)
    if (world.mayStayOwned && !world.runs.some((run) => run.host === host)) host.lifecycle.end();
  const namespace = schedule.seed % 3;
  for (const destination of BINDINGS) world.open(world.startHost(namespace, 0), destination);
  await time.advance(ADOPTED_WITHIN_MS);
  checkInvariants(world);
  // By now others have adopted what they may from runs that are still frozen.
  for (const host of world.hosts) if (host.lifecycle.isFrozen) wakeUp(world, host);
  await time.advance(LOOKS_WITHIN_MS);
  checkInvariants(world);
  // Entries of refused requests may be in quarantine, too.
  await pushAll(world, (one) => !isBad(world, one) && !isQuarantined(world, one));
  // The server accepts everything now; quarantined entries, adopted ones too, are restored.
  network.bad.clear();
  network.maxEntries = Number.POSITIVE_INFINITY;
  network.cutsOff = false;
  for (const run of world.runs) restoreQuarantined(world, run);
  await pushAll(world, () => true);
  for (const { id } of model.required) model.reportViolation('I6', `${id} was never delivered`);
  model.throwViolation();
}

/** Pushes until all entries that the server accepts are stored. */
async function pushAll(world: World, isWanted: (one: Commit) => boolean): Promise<void> {
  const { model, time } = world;
  const rounds = world.hasFailingEntries ? MAX_ROUNDS : MIN_ROUNDS;
  for (let round = 0; round <= rounds; round++) {
    for (const run of world.runs) {
      if (run.pushes.size > 0) model.reportViolation('I6', 'a push is not over after minutes');
      push(world, run, undefined);
    }
    await time.advance(LOOKS_WITHIN_MS);
    checkInvariants(world);
    for (const run of world.runs)
      if (run.pushes.size > 0) model.reportViolation('I6', 'a push to a healthy server is not over');
    if (round >= MIN_ROUNDS && ![...model.required].some(isWanted)) return;
  }
  for (const one of model.required)
    if (isWanted(one)) model.reportViolation('I6', `${one.id} is still not delivered after ${rounds} pushes`);
  model.throwViolation();
}

function isQuarantined({ runs }: World, { id }: Commit): boolean {
  return runs.some(({ api }) => api.quarantined().some((one) => one.id === id));
}

function isBad({ network }: World, { text }: Commit): boolean {
  for (const bad of network.bad.keys()) if (text.includes(bad)) return true;
  return false;
}

/** A closed Api leaves no timer. */
async function end(world: World): Promise<void> {
  const { runs, time, model } = world;
  for (const { api } of runs) await api.close();
  await time.advance(12_000);
  for (const run of runs) if (time.timersOf(run) > 0) model.reportViolation('I7', 'a closed Api has timers set');
  model.throwViolation();
}
