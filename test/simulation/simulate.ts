import { check } from './checks.js';
import { execute, push, restoreQuarantined } from './commands.js';
import type { Commit } from './ledger.js';
import { recoverTwice } from './recovery.js';
import { BINDINGS, type Bug } from './run.js';
import type { Schedule } from './schedule.js';
import { wakeUp } from './sleep.js';
import { settled } from './time.js';
import { World } from './world.js';

/** Lives a schedule through, then heals everything and sees that all is delivered. @throws {@link Violation} */
export async function simulate(schedule: Schedule, bug: Bug = {}): Promise<World> {
  const undo = bug.patch?.();
  const { stackTraceLimit } = Error;
  // Faults are thrown by the thousand, and nobody looks at where.
  Error.stackTraceLimit = 0;
  try {
    const world = new World(schedule, bug);
    for (const command of schedule.commands) {
      await execute(world, command);
      await settled();
      check(world);
    }
    await recoverTwice(world, bug);
    await deliver(world);
    await end(world);
    return world;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    undo?.();
  }
}

/** Those of which nothing can be proved are dead after three minutes of silence. */
const ADOPTED_WITHIN_MS = 250_000;
const LOOKS_WITHIN_MS = 35_000;
/** A file that holds entries of several bindings goes from one adopter to the next. */
const ROUNDS = 3;

/** What the server stumbles over is passed by only after some tries, each with half as much. */
const MOST_PUSHES = 60;

/** With a healthy network and storage all that was promised is stored, by one more run for each binding. */
async function deliver(world: World): Promise<void> {
  const { ledger, time, network } = world;
  network.fates = [];
  for (const [, status] of network.bad) if (status === 503) world.mayTakeLong = true;
  world.machine?.disk.heal();
  world.origin?.heal();
  for (const { life } of world.hosts) life.endAfter(Number.POSITIVE_INFINITY);
  // What could not be given back at the close of its last Api waits for the end of its process.
  for (const host of world.hosts) if (world.mayBeHeld && !world.runs.some((run) => run.host === host)) host.life.end();
  for (const binding of BINDINGS) world.open(world.startHost(0, 0), binding);
  await time.advance(ADOPTED_WITHIN_MS);
  check(world);
  // By now others have what they may take from those that slept until here.
  for (const host of world.hosts) if (host.life.isFrozen) wakeUp(world, host);
  await time.advance(LOOKS_WITHIN_MS);
  check(world);
  // What every request was refused with may have been set aside, too.
  await pushAll(world, (one) => !isBad(world, one) && !isAside(world, one));
  // The server takes everything now; what it did not is put back, and for what was set aside a run that died another adopted it.
  network.bad.clear();
  network.most = Number.POSITIVE_INFINITY;
  for (const run of world.runs) restoreQuarantined(world, run);
  await pushAll(world, () => true);
  for (const { id } of ledger.required) ledger.accuse('I6', `${id} was never delivered`);
  ledger.judge();
}

/** Pushes until all is stored that the server takes. */
async function pushAll(world: World, isWanted: (one: Commit) => boolean): Promise<void> {
  const { ledger, time } = world;
  const rounds = world.mayTakeLong ? MOST_PUSHES : ROUNDS;
  for (let round = 0; round <= rounds; round++) {
    for (const run of world.runs) {
      if (run.pushes.size > 0) ledger.accuse('I6', 'a push is not over after minutes');
      push(world, run, undefined);
    }
    await time.advance(LOOKS_WITHIN_MS);
    check(world);
    for (const run of world.runs)
      if (run.pushes.size > 0) ledger.accuse('I6', 'a push to a healthy server is not over');
    if (round >= ROUNDS && ![...ledger.required].some(isWanted)) return;
  }
  for (const one of ledger.required)
    if (isWanted(one)) ledger.accuse('I6', `${one.id} is still not delivered after ${rounds} pushes`);
  ledger.judge();
}

function isAside({ runs }: World, { id }: Commit): boolean {
  return runs.some(({ api }) => api.quarantined().some((one) => one.id === id));
}

function isBad({ network }: World, { text }: Commit): boolean {
  for (const bad of network.bad.keys()) if (text.includes(bad)) return true;
  return false;
}

/** Whoever is closed leaves no timer. */
async function end(world: World): Promise<void> {
  const { runs, time, ledger } = world;
  for (const { api } of runs) await api.close();
  await time.advance(12_000);
  for (const run of runs) if (time.timersOf(run) > 0) ledger.accuse('I7', 'a closed Api has timers set');
  ledger.judge();
}
