import { ApiException, PushException, StorageException } from '../../src/index.js';
import { damage } from './damage.js';
import { deleteUnderneath } from './deletion.js';
import type { Commit } from './ledger.js';
import { upTo } from './random.js';
import { BINDINGS, KEYS, type Run, type Thrown } from './run.js';
import type { Command, StorageFault } from './schedule.js';
import { freeze, wakeUp } from './sleep.js';
import type { World } from './world.js';

const FIELDS = ['temperature', '__proto__', 'a,b', '0', 'å/€'];
const MOST_RUNS = 5;

type OnRun = Extract<Command, { readonly who: number }>;

/** Does what a command says, and notes what it promises. */
export async function execute(world: World, command: Command): Promise<void> {
  if (!('who' in command)) {
    await executeOnWorld(world, command);
    return;
  }
  if (command.do === 'wake up') {
    wakeOne(world, command.who, command.dies);
    return;
  }
  const awake = world.runs.filter(({ host }) => !host.life.isFrozen);
  const run = awake[command.who % awake.length] ?? world.open(world.startHost(0, 0), BINDINGS[0]);
  world.count(command.do);
  executeOnRun(world, run, command);
}

async function executeOnWorld(world: World, command: Exclude<Command, { readonly who: number }>): Promise<void> {
  const { machine, time } = world;
  switch (command.do) {
    case 'start': {
      if (world.runs.length >= MOST_RUNS) return;
      const awake = world.hosts.filter(({ life }) => !life.isFrozen);
      const shared = command.isShared ? awake[upTo(world.random, awake.length - 1)] : undefined;
      const host = shared ?? world.startHost(command.namespace, command.isShared ? 40 : 0);
      world.open(host, BINDINGS[command.binding] ?? BINDINGS[0]);
      world.count(shared ? 'start in the same process' : command.namespace ? 'start in a container' : 'start');
      return;
    }
    case 'pass time':
      await time.advance(command.milliseconds);
      break;
    case 'jump clock':
      time.wall = Math.max(0, time.wall + command.milliseconds);
      break;
    case 'power cut':
      machine?.cutPower();
      break;
    case 'break storage':
      breakStorage(world, command.how, command.amount);
      return;
    case 'heal storage':
      world.machine?.disk.heal();
      world.origin?.heal();
      break;
    case 'clear storage':
      if (!deleteUnderneath(world, true, 0)) return;
      break;
    case 'delete files':
      if (!deleteUnderneath(world, command.all, command.dice)) return;
      break;
    case 'limit server':
      world.network.most = command.most;
      break;
    case 'damage':
      if (damage(world, command.how, command.dice)) world.count(`damage: ${command.how}`);
      return;
  }
  world.count(command.do);
}

/** One that is frozen goes on, or its browser or system ends it. */
function wakeOne(world: World, who: number, dies: boolean): void {
  const frozen = world.hosts.filter(({ life }) => life.isFrozen);
  const host = frozen[who % frozen.length];
  if (host === undefined) return;
  world.count('wake up');
  if (dies) host.life.end();
  else wakeUp(world, host);
}

function executeOnRun(world: World, run: Run, command: Exclude<OnRun, { readonly do: 'wake up' }>): void {
  const { api, host } = run;
  switch (command.do) {
    case 'add':
      add(world, run, [command.field], command.big);
      return;
    case 'add several':
      addSeveral(world, run, command.fields);
      return;
    case 'commit':
      commit(world, run, command.timestamp);
      return;
    case 'commit several':
      commitSeveral(world, run, command.count, command.big);
      return;
    case 'commit and push':
      commitSeveral(world, run, command.count, false);
      if (!host.life.isAlive) return;
      world.network.fates.push(...command.fates);
      push(world, run, undefined);
      return;
    case 'commit bad':
      add(world, run, [command.field], false, command.status);
      if (host.life.isAlive) commit(world, run, undefined);
      return;
    case 'push':
      world.network.fates.push(...command.fates);
      push(world, run, command.abortAfter);
      return;
    case 'wake':
      host.environment.take('online');
      return;
    case 'resume':
      run.quietUntil = Number.NEGATIVE_INFINITY;
      api.resume();
      return;
    case 'drop quarantined':
      for (const { id } of api.quarantined()) excuseForgotten(world, id);
      api.dropQuarantined();
      return;
    case 'push twice':
      world.network.fates.push(...command.fates);
      push(world, run, undefined);
      push(world, run, undefined);
      return;
    case 'get':
      world.network.fates.unshift(...command.fates.slice(0, 1));
      void api.get('a,b').then(
        (readings) => world.showed(JSON.stringify(readings)),
        (error: unknown) => failed(world, run, error),
      );
      return;
    case 'reset':
      api.reset();
      run.staged.clear();
      return;
    case 'reset unpushed':
      resetUnpushed(world, run);
      return;
    case 'close':
      run.isClosed = true;
      world.mayStandTwice ||= world.runs.some((other) => other !== run && other.host === host);
      api.close().catch((error: unknown) => failed(world, run, error));
      return;
    case 'look':
      world.showed(JSON.stringify([api.status(), api.log()]));
      return;
    case 'restore':
      restore(world, run, command.count);
      return;
    case 'set key':
      run.key = KEYS[command.key] ?? run.key;
      run.quietUntil = Number.NEGATIVE_INFINITY;
      api.setApiKey(run.key);
      return;
    case 'leave':
      host.page?.window.dispatchEvent(new Event('pagehide'));
      if (host.life.isAlive) host.environment.take('pagehide');
      host.life.end();
      return;
    case 'freeze':
      freeze(world, host, false);
      return;
    case 'hide':
      freeze(world, host, true);
      return;
    case 'crash':
      host.life.end();
      return;
    case 'crash within':
      host.life.endAfter(command.operations);
      return;
    case 'power cut within':
      host.life.endAfter(command.operations, () => world.machine?.cutPower());
      return;
  }
}

function commitSeveral(world: World, run: Run, count: number, isBig: boolean): void {
  for (let field = 0; field < count && run.host.life.isAlive; field++) {
    add(world, run, [field], isBig);
    if (run.host.life.isAlive) commit(world, run, undefined);
  }
}

/** @param status - With what the server refuses what holds the value; absent for a good one. */
function add(world: World, run: Run, fields: readonly number[], isBig: boolean, status?: number): void {
  for (const field of fields) {
    const [fieldId, value] = [
      FIELDS[field] ?? '',
      world.ledger.newValue(run.bindingText, isBig || world.schedule.isBig),
    ];
    if (status !== undefined) world.network.bad.set(`:${JSON.stringify(value)}}`, status);
    run.api.addValue(fieldId, value);
    run.staged.set(fieldId, value);
  }
}

function addSeveral(world: World, run: Run, fields: readonly number[]): void {
  const pairs = fields.map((field) => [FIELDS[field] ?? '', world.ledger.newValue(run.bindingText, false)] as const);
  const values = Object.fromEntries(pairs);
  run.api.addValues(values);
  // JavaScript puts keys that look like whole numbers first.
  for (const [fieldId, value] of Object.entries(values)) run.staged.set(fieldId, value);
}

function commit(world: World, run: Run, timestamp: number | undefined): void {
  const { ledger, time } = world;
  const at = timestamp ?? Math.floor(time.wall / 1000);
  run.intended = run.staged.size === 0 ? undefined : ledger.intend(run.staged, at, run.bindingText);
  if (run.intended && timestamp === undefined) run.intended.clock = { by: run, ahead: time.wall - time.monotonic };
  try {
    const entry = run.api.commit({ timestamp });
    if (!run.host.life.isAlive) return;
    const { intended } = run;
    if (entry === undefined || intended === undefined) {
      if (entry !== intended) ledger.accuse('I3', 'a commit of nothing made an entry, or one of something made none');
      return;
    }
    ledger.acknowledge(intended, entry, run.writer);
    run.staged.clear();
    const { committed } = run.api.status();
    if (committed > (world.schedule.maxQueuedEntries ?? Number.POSITIVE_INFINITY))
      ledger.accuse('I7', `${committed} entries are queued after a commit`);
  } catch (error) {
    if (!run.host.life.isAlive) return;
    // Its values must still be staged, which is checked after every step.
    if (run.intended) refused(world, run, [run.intended], error);
  } finally {
    run.intended = undefined;
  }
}

function restore(world: World, run: Run, count: number): void {
  const aside = run.api.quarantined().map((entry) => ({ entry, bindingText: run.bindingText }));
  const thrown = world.thrown.filter(({ bindingText }) => bindingText === run.bindingText);
  restoreThese(world, run, [...thrown, ...aside].slice(0, count));
}

/** Puts back what was set aside; where there is no room for it twice, it is forgotten before. */
export function restoreQuarantined(world: World, run: Run): void {
  const aside = run.api.quarantined().map((entry) => ({ entry, bindingText: run.bindingText }));
  restoreThese(world, run, aside);
  for (const one of aside) {
    if (!run.api.quarantined().some(({ id }) => id === one.entry.id)) continue;
    excuseForgotten(world, one.entry.id);
    run.api.dropQuarantined([one.entry.id]);
    restoreThese(world, run, [one]);
  }
}

function restoreThese(world: World, run: Run, thrown: readonly Thrown[]): void {
  const { ledger } = world;
  if (thrown.length === 0) return;
  const isThrown = new Set(thrown.map(({ entry }) => entry.id));
  const aside = new Set(run.api.quarantined().flatMap(({ id }) => (isThrown.has(id) ? [id] : [])));
  const intended = thrown.map(({ entry: { timestamp, values } }) =>
    ledger.intend(
      values.map(({ fieldId, value }) => [fieldId, value]),
      timestamp,
      run.bindingText,
      true,
    ),
  );
  run.restoring = aside;
  try {
    const entries = run.api.restore(thrown.map(({ entry }) => entry));
    if (!run.host.life.isAlive) {
      for (const { entry } of thrown) if (aside.has(entry.id)) mayBeRestored(world, run, entry.id);
      return;
    }
    if (entries.length !== intended.length) ledger.accuse('I3', 'not all that was to be restored was');
    for (const [index, entry] of entries.entries()) ledger.acknowledge(intended[index] as Commit, entry, run.writer);
    world.thrown = world.thrown.filter((one) => !thrown.includes(one));
    for (const { entry } of thrown) if (aside.has(entry.id)) excuseForgotten(world, entry.id);
    world.count('restore something');
  } catch (error) {
    if (run.host.life.isAlive) refused(world, run, intended, error);
  } finally {
    run.restoring = new Set();
  }
}

/** The storage would not take what was to be saved. */
function refused(world: World, run: Run, intended: readonly Commit[], error: unknown): void {
  failed(world, run, error);
  if (!(error instanceof StorageException)) world.ledger.accuse('I3', `what failed is not the storage: ${error}`);
  if (!world.isStorageBroken && !isBounded(world, run, intended.length, error))
    world.ledger.accuse('I6', `a healthy storage refused: ${error}`);
  checkDropped(world, run, intended, error);
  for (const one of intended) {
    one.state = 'failed';
    // What can't be truncated can't be taken back.
    one.mayRemain ||= world.machine?.disk.faults.failing.has('truncate') ?? false;
  }
  world.count('a commit or restore failed');
}

/** Whether there may have been no room for so many. */
function isBounded(world: World, run: Run, count: number, error: unknown): boolean {
  const { maxQueuedEntries = Number.POSITIVE_INFINITY, maxLength } = world.schedule;
  if (!(error instanceof StorageException)) return false;
  // One that is larger than all that there may be is refused for good.
  return maxLength !== undefined || (error.isFull && heldBy(run) + count > maxQueuedEntries);
}

/** Where the oldest may be dropped, one is refused only if nothing is left to drop. */
function checkDropped(world: World, run: Run, intended: readonly Commit[], error: unknown): void {
  if (world.schedule.overflow === 'refuse' || intended.length > 1) return;
  if (!(error instanceof StorageException && error.isFull)) return;
  const held = heldBy(run);
  const droppable = held - run.inFlight.size - run.restoring.size;
  const missing = held + 1 - run.restoring.size - (world.schedule.maxQueuedEntries ?? Number.POSITIVE_INFINITY);
  if (droppable > 0 && droppable >= missing)
    world.ledger.accuse('I6', `a commit was refused, though ${droppable} entries could have been dropped: ${error}`);
}

/** Whoever dies in the middle of a restore may have forgotten one after it was saved as another. */
function mayBeRestored(world: World, run: Run, id: string): void {
  const { entries } = world.holdings();
  const one = world.ledger.byId(id);
  if (one === undefined || entries.has(id)) return;
  // What was deleted underneath was in memory alone, the new one perhaps too.
  if (run.unsaved) world.ledger.excuse(one, 'deleted');
  else if ([...entries.values()].some(({ text, binding }) => text === one.text && binding === one.binding))
    world.ledger.excuse(one, 'forgotten');
}

function heldBy({ api }: Run): number {
  const { committed, quarantined } = api.status();
  return committed + quarantined;
}

function excuseForgotten({ ledger }: World, id: string): void {
  const one = ledger.byId(id);
  if (one) ledger.excuse(one, 'forgotten');
}

function resetUnpushed(world: World, run: Run): void {
  const queued = world.queueOf(run);
  run.api.resetUnpushedEntries();
  for (const one of queued) if (one) world.ledger.excuse(one, 'forgotten');
  const { committed } = run.api.status();
  if (committed > 0) world.ledger.accuse('I1', `${committed} entries are left after resetUnpushedEntries()`);
}

export function push(world: World, run: Run, abortAfter: number | undefined): void {
  const controller = new AbortController();
  const call = {};
  if (!run.api.status().pushing) run.hasAccepted = false;
  run.quietUntil = Number.NEGATIVE_INFINITY;
  if (abortAfter === 0) controller.abort();
  else if (abortAfter) world.time.after(run.host.life, abortAfter, () => controller.abort());
  const queued = run.api.log().map(({ id }) => world.ledger.byId(id));
  run.pushes.add(call);
  void run.api.push(abortAfter === undefined ? {} : { signal: controller.signal }).then(
    () => {
      run.pushes.delete(call);
      if (!run.host.life.isAlive) return;
      world.count('push stores all');
      for (const one of queued)
        if (one && one.stored === 0 && one.excuse === undefined)
          world.ledger.accuse('I1', `push() resolved, but the server has not stored ${one.id}`);
    },
    (error: unknown) => {
      run.pushes.delete(call);
      failed(world, run, error);
    },
  );
}

/** A call failed, and told somebody. */
function failed(world: World, run: Run, error: unknown): void {
  if (!run.host.life.isAlive) return;
  if (!(error instanceof ApiException)) {
    world.ledger.accuse('I6', `a call failed with what is none of ours: ${(error as Error).stack}`);
    return;
  }
  world.showed(`${error.message} ${error.advice} ${JSON.stringify(error)} ${error.stack}`);
  if (!(error instanceof PushException)) return;
  for (const { id } of error.discarded)
    if (world.ledger.byId(id)?.excuse !== 'carried')
      world.ledger.accuse('I1', `${id} was thrown away without a discard event`);
}

function breakStorage(world: World, how: StorageFault, amount: number): void {
  const { machine, origin } = world;
  if (origin) {
    if (how === 'full') origin.room = amount;
    if (how === 'set' || how === 'remove') origin.failing.add(how);
  } else if (machine) {
    const { faults } = machine.disk;
    if (how === 'full') faults.room = amount;
    else if (how === 'short') faults.share = (amount + 1) / 400;
    else if (how !== 'set' && how !== 'remove') faults.failing.add(how);
    world.mayHaveFailedToSync ||= how === 'sync';
    world.mayBeHeld ||= how === 'rename' || how === 'unlink';
    world.mayKeepOld ||= how === 'unlink';
    world.mayStandTwice ||= how === 'sync' || how === 'truncate';
  }
  world.mayBeLarge = true;
}
