import { ApiException, PushException, StorageException } from '../../src/index.js';
import { damage } from './damage.js';
import { deleteSaved, killDescriptors } from './deletion.js';
import { freeze, wakeUp } from './freezing.js';
import type { Commit } from './model.js';
import { upTo } from './random.js';
import { BINDINGS, type DiscardedEntry, fieldsOf, KEYS, nameOf, type Run } from './run.js';
import type { Command, StorageFault } from './schedule.js';
import type { World } from './world.js';

export const FIELDS = ['temperature', '__proto__', 'a,b', '0', 'å/€'];
const MAX_RUNS = 5;
/** By namespace. */
const STARTS = ['start', 'start in a container', 'start without /proc'];

type OnRun = Extract<Command, { readonly runIndex: number }>;

/** Executes a command, and updates the model. */
export async function execute(world: World, command: Command): Promise<void> {
  if (!('runIndex' in command)) {
    await executeOnWorld(world, command);
    return;
  }
  if (command.do === 'wake up') {
    thawOne(world, command.runIndex, command.dies);
    return;
  }
  const awake = world.runs.filter(({ host }) => !host.lifecycle.isFrozen);
  const run = awake[command.runIndex % awake.length] ?? world.open(world.startHost(0, 0), BINDINGS[0]);
  world.count(command.do);
  if (command.do === 'push often') await pushOften(world, run, command);
  else executeOnRun(world, run, command);
}

/** Commits and pushes at intervals, as a device does that goes on measuring, at first perhaps an entry that fails. */
async function pushOften(world: World, run: Run, command: Extract<Command, { readonly do: 'push often' }>) {
  world.network.outcomes = [];
  if (command.status !== undefined) add(world, run, [0], false, command.status);
  for (let round = 0; round < command.times; round++) {
    const { lifecycle } = run.host;
    if (!lifecycle.isAlive || lifecycle.isFrozen || run.isClosed) return;
    commitSeveral(world, run, 1, false);
    if (!lifecycle.isAlive) return;
    push(world, run, undefined);
    await world.time.advance(command.everyMilliseconds);
  }
}

async function executeOnWorld(world: World, command: Exclude<Command, { readonly runIndex: number }>): Promise<void> {
  const { machine, time } = world;
  switch (command.do) {
    case 'start': {
      if (world.runs.length >= MAX_RUNS) return;
      const awake = world.hosts.filter(({ lifecycle }) => !lifecycle.isFrozen);
      const shared = command.isShared ? awake[upTo(world.random, awake.length - 1)] : undefined;
      const host = shared ?? world.startHost(command.namespace, command.isShared ? 40 : 0);
      world.open(host, BINDINGS[command.destination] ?? BINDINGS[0]);
      world.count(shared ? 'start in the same process' : (STARTS[command.namespace] ?? ''));
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
      if (!deleteSaved(world, true, 0)) return;
      break;
    case 'delete files':
      if (!deleteSaved(world, command.all, command.dice)) return;
      break;
    case 'descriptors die':
      if (machine === undefined) return;
      killDescriptors(world, machine, command.deletes);
      break;
    case 'next answers':
      world.network.outcomes.push(...command.outcomes);
      break;
    case 'limit encodings':
      world.network.encodings = command.encodings;
      break;
    case 'limit server':
      world.network.maxEntries = command.maxEntries;
      world.network.cutsOff = command.cutsOff;
      world.count(command.cutsOff ? 'limit server by cut-offs' : 'limit server');
      return;
    case 'damage':
      if (damage(world, command.how, command.dice)) world.count(`damage: ${command.how}`);
      return;
  }
  world.count(command.do);
}

/** A frozen host is thawed, or ended by its browser or system. */
function thawOne(world: World, runIndex: number, dies: boolean): void {
  const frozen = world.hosts.filter(({ lifecycle }) => lifecycle.isFrozen);
  const host = frozen[runIndex % frozen.length];
  if (host === undefined) return;
  world.count('wake up');
  if (dies) host.lifecycle.end();
  else wakeUp(world, host);
}

function executeOnRun(
  world: World,
  run: Run,
  command: Exclude<OnRun, { readonly do: 'wake up' | 'push often' }>,
): void {
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
    case 'commit urgent':
      add(world, run, [command.field], false);
      if (host.lifecycle.isAlive) commit(world, run, undefined, true);
      return;
    case 'commit several':
      commitSeveral(world, run, command.count, command.big);
      return;
    case 'commit and push':
      commitSeveral(world, run, command.count, false);
      if (!host.lifecycle.isAlive) return;
      world.network.outcomes.push(...command.outcomes);
      push(world, run, undefined);
      return;
    case 'commit bad':
      add(world, run, [command.field], false, command.status);
      if (host.lifecycle.isAlive) commit(world, run, undefined);
      return;
    case 'push':
      world.network.outcomes.push(...command.outcomes);
      push(world, run, command.abortAfter);
      return;
    case 'go online':
      host.environment.dispatch('online');
      return;
    case 'pause':
      run.isHeld = true;
      api.pause();
      return;
    case 'resume':
      run.isHeld = false;
      run.pausedUntil = Number.NEGATIVE_INFINITY;
      api.resume();
      return;
    case 'drop quarantined':
      for (const { id } of api.quarantined()) exemptRemoved(world, id);
      api.dropQuarantined();
      return;
    case 'push twice':
      world.network.outcomes.push(...command.outcomes);
      push(world, run, undefined);
      push(world, run, undefined);
      return;
    case 'get':
      world.network.outcomes.unshift(...command.outcomes.slice(0, 1));
      void api.get(nameOf('a,b', world.schedule)).then(
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
      run.encoding.removed();
      return;
    case 'close':
      run.isClosed = true;
      world.mayBeDuplicated ||= world.runs.some((other) => other !== run && other.host === host);
      api.close().catch((error: unknown) => failed(world, run, error));
      return;
    case 'read status':
      world.showed(JSON.stringify([api.status(), api.log()]));
      return;
    case 'restore':
      restore(world, run, command.count);
      return;
    case 'set key':
      run.key = KEYS[command.key] ?? run.key;
      run.pausedUntil = Number.NEGATIVE_INFINITY;
      api.setApiKey(run.key);
      return;
    case 'leave':
      host.page?.window.dispatchEvent(new Event('pagehide'));
      if (host.lifecycle.isAlive) host.environment.dispatch('pagehide');
      host.lifecycle.end();
      return;
    case 'freeze':
      freeze(world, host, false);
      return;
    case 'hide':
      freeze(world, host, true);
      return;
    case 'crash':
      host.lifecycle.end();
      return;
    case 'crash within':
      host.lifecycle.endAfter(command.operations);
      return;
    case 'power cut within':
      host.lifecycle.endAfter(command.operations, () => world.machine?.cutPower());
      return;
  }
}

function commitSeveral(world: World, run: Run, count: number, isBig: boolean): void {
  for (let field = 0; field < count && run.host.lifecycle.isAlive; field++) {
    add(world, run, [field], isBig);
    if (run.host.lifecycle.isAlive) commit(world, run, undefined);
  }
}

/** @param status - The status of the rejection of requests with the value; absent for a good value. */
function add(world: World, run: Run, fields: readonly number[], isBig: boolean, status?: number): void {
  for (const field of fields) {
    const [fieldId, value] = [
      FIELDS[field] ?? '',
      world.model.newValue(run.destinationText, isBig || world.schedule.isBig, world.schedule.deadband !== undefined),
    ];
    if (status !== undefined) {
      world.network.bad.set(`:${JSON.stringify(value)}}`, status);
      world.count(`bad entry: ${status || 'cut-off'}`);
    }
    run.api.addValue(nameOf(fieldId, world.schedule), value);
    run.staged.set(fieldId, value);
  }
}

function addSeveral(world: World, run: Run, fields: readonly number[]): void {
  const pairs = fields.map(
    (field) =>
      [
        FIELDS[field] ?? '',
        world.model.newValue(run.destinationText, false, world.schedule.deadband !== undefined),
      ] as const,
  );
  const idOf = new Map(pairs.map(([fieldId]) => [nameOf(fieldId, world.schedule), fieldId]));
  const values = Object.fromEntries(pairs.map(([fieldId, value]) => [nameOf(fieldId, world.schedule), value]));
  run.api.addValues(values);
  // Objects list integer keys first.
  for (const [name, value] of Object.entries(values)) run.staged.set(idOf.get(name) ?? '', value);
}

function commit(world: World, run: Run, timestamp: number | undefined, isUrgent = false): void {
  const { model, time } = world;
  const at = timestamp ?? Math.floor(time.wall / 1000);
  const isTimeGiven = timestamp !== undefined;
  run.beginAgain = () => {
    const values = run.deadBands.selected(run.staged, time.monotonic);
    run.pending = values.size === 0 ? undefined : model.begin(values, at, run.destinationText);
    if (run.pending) run.pending.own = { by: run, at: time.monotonic, isUrgent, isTimeGiven };
    if (run.pending && !isTimeGiven) run.pending.clock = { by: run, ahead: time.wall - time.monotonic };
  };
  run.beginAgain();
  try {
    const entry = run.api.commit({ timestamp, urgent: isUrgent });
    if (!run.host.lifecycle.isAlive) return;
    const { pending } = run;
    if (entry === undefined || pending === undefined) {
      if (entry !== pending)
        model.reportViolation('I3', 'a commit of nothing made an entry, or one of something made none');
      settleStaged(world, run);
      return;
    }
    model.acknowledge(pending, entry, run.writer);
    settleStaged(world, run);
    if (isUrgent) world.uploads.urgent(run);
    const { committed, queuedBytes } = run.api.status();
    if (committed > (world.schedule.maxQueuedEntries ?? Number.POSITIVE_INFINITY))
      model.reportViolation('I7', `${committed} entries are queued after a commit`);
    if (queuedBytes > (world.schedule.maxQueuedBytes ?? Number.POSITIVE_INFINITY))
      model.reportViolation('I7', `${queuedBytes} bytes are queued after a commit`);
  } catch (error) {
    if (!run.host.lifecycle.isAlive) return;
    // The values must still be staged, which is checked after every step.
    if (run.pending) refused(world, run, [run.pending], error);
  } finally {
    run.pending = undefined;
    run.beginAgain = undefined;
  }
}

/** The staged values were committed, or left out by a dead band. */
function settleStaged(world: World, { staged, deadBands }: Run): void {
  const { suppressed } = deadBands;
  deadBands.committed(staged, world.time.monotonic);
  if (deadBands.suppressed > suppressed) world.count('left out by a dead band');
  else if (world.schedule.deadband) world.count('changed beyond a dead band');
  staged.clear();
}

function restore(world: World, run: Run, count: number): void {
  const quarantined = run.api.quarantined().map((entry) => ({ entry, destinationText: run.destinationText }));
  const discarded = world.discarded.filter(({ destinationText }) => destinationText === run.destinationText);
  restoreThese(world, run, [...discarded, ...quarantined].slice(0, count));
}

/** Restores quarantined entries; those that do not fit twice are removed first. */
export function restoreQuarantined(world: World, run: Run): void {
  const quarantined = run.api.quarantined().map((entry) => ({ entry, destinationText: run.destinationText }));
  restoreThese(world, run, quarantined);
  for (const one of quarantined) {
    if (!run.api.quarantined().some(({ id }) => id === one.entry.id)) continue;
    exemptRemoved(world, one.entry.id);
    run.api.dropQuarantined([one.entry.id]);
    restoreThese(world, run, [one]);
  }
}

function restoreThese(world: World, run: Run, discarded: readonly DiscardedEntry[]): void {
  const { model } = world;
  if (discarded.length === 0) return;
  const isDiscarded = new Set(discarded.map(({ entry }) => entry.id));
  const quarantined = new Set(run.api.quarantined().flatMap(({ id }) => (isDiscarded.has(id) ? [id] : [])));
  const pending = discarded.map(({ entry: { timestamp, values } }) =>
    model.begin(
      values.map(({ fieldId, value }) => [fieldId, value]),
      timestamp,
      run.destinationText,
      true,
    ),
  );
  run.restoring = quarantined;
  try {
    const entries = run.api.restore(discarded.map(({ entry }) => entry));
    if (!run.host.lifecycle.isAlive) {
      for (const { entry } of discarded) if (quarantined.has(entry.id)) mayBeRestored(world, run, entry.id);
      return;
    }
    if (entries.length !== pending.length) model.reportViolation('I3', 'not all entries were restored');
    for (const [index, entry] of entries.entries()) model.acknowledge(pending[index] as Commit, entry, run.writer);
    world.discarded = world.discarded.filter((one) => !discarded.includes(one));
    for (const { entry } of discarded) if (quarantined.has(entry.id)) exemptRemoved(world, entry.id);
    world.count('restore something');
  } catch (error) {
    if (run.host.lifecycle.isAlive) refused(world, run, pending, error);
  } finally {
    run.restoring = new Set();
  }
}

/** A commit or restore was refused by the storage. */
function refused(world: World, run: Run, pending: readonly Commit[], error: unknown): void {
  failed(world, run, error);
  if (!(error instanceof StorageException))
    world.model.reportViolation('I3', `the error is not a StorageException: ${error}`);
  if (!world.isStorageBroken && !isBounded(world, run, pending.length, error))
    world.model.reportViolation('I6', `a healthy storage refused: ${error}`);
  checkDropped(world, run, pending, error);
  for (const one of pending) {
    one.state = 'failed';
    // Without truncation there is no rollback.
    one.mayRemain ||= world.machine?.disk.faults.failing.has('truncate') ?? false;
  }
  world.count('a commit or restore failed');
}

/** Whether a quota or bound explains the rejection. */
function isBounded(world: World, run: Run, count: number, error: unknown): boolean {
  const { maxQueuedEntries = Number.POSITIVE_INFINITY, maxQueuedBytes, maxLength } = world.schedule;
  if (!(error instanceof StorageException)) return false;
  if (maxQueuedBytes !== undefined && error.message.includes('maxQueuedBytes')) return true;
  // An entry larger than the quota is always refused.
  return maxLength !== undefined || (error.isFull && heldBy(run) + count > maxQueuedEntries);
}

/** With drop-oldest, an entry is refused only if no entry can be dropped. */
function checkDropped(world: World, run: Run, pending: readonly Commit[], error: unknown): void {
  if (world.schedule.overflow !== 'drop-oldest' || pending.length > 1) return;
  if (world.schedule.maxQueuedBytes !== undefined || !(error instanceof StorageException && error.isFull)) return;
  const held = heldBy(run);
  const droppable = held - run.inFlight.size - run.restoring.size;
  const missing = held + 1 - run.restoring.size - (world.schedule.maxQueuedEntries ?? Number.POSITIVE_INFINITY);
  if (droppable > 0 && droppable >= missing)
    world.model.reportViolation(
      'I6',
      `a commit was refused, though ${droppable} entries could have been dropped: ${error}`,
    );
}

/** A run that ends within a restore may have removed a quarantined entry after saving it again under a new id. */
function mayBeRestored(world: World, run: Run, id: string): void {
  const { entries } = world.contents();
  const one = world.model.byId(id);
  if (one === undefined || entries.has(id)) return;
  // Its saved entries were deleted, so that the new one may be only in memory, too.
  if (run.unsaved) world.model.exempt(one, 'deleted');
  else if ([...entries.values()].some(({ text, destination }) => text === one.text && destination === one.destination))
    world.model.exempt(one, 'removed');
}

function heldBy({ api }: Run): number {
  const { committed, quarantined } = api.status();
  return committed + quarantined;
}

function exemptRemoved({ model }: World, id: string): void {
  const one = model.byId(id);
  if (one) model.exempt(one, 'removed');
}

function resetUnpushed(world: World, run: Run): void {
  const queued = world.queueOf(run);
  run.deadBands.left(fieldsOf(run.api.log()));
  run.api.resetUnpushedEntries();
  for (const one of queued) if (one) world.model.exempt(one, 'removed');
  const { committed } = run.api.status();
  if (committed > 0) world.model.reportViolation('I1', `${committed} entries are left after resetUnpushedEntries()`);
}

export function push(world: World, run: Run, abortAfter: number | undefined): void {
  const controller = new AbortController();
  const call = {};
  run.pausedUntil = Number.NEGATIVE_INFINITY;
  if (abortAfter === 0) controller.abort();
  else if (abortAfter) world.time.after(run.host.lifecycle, abortAfter, () => controller.abort());
  const queued = run.api.log().map(({ id }) => world.model.byId(id));
  run.pushes.add(call);
  void run.api.push(abortAfter === undefined ? {} : { signal: controller.signal }).then(
    () => {
      run.pushes.delete(call);
      if (!run.host.lifecycle.isAlive) return;
      world.count('push stores all');
      for (const one of queued)
        if (one && one.stored === 0 && one.exemption === undefined)
          world.model.reportViolation('I1', `push() resolved, but the server has not stored ${one.id}`);
    },
    (error: unknown) => {
      run.pushes.delete(call);
      failed(world, run, error);
    },
  );
}

/** A call failed with an exception that the application sees. */
function failed(world: World, run: Run, error: unknown): void {
  if (!run.host.lifecycle.isAlive) return;
  if (!(error instanceof ApiException)) {
    world.model.reportViolation(
      'I6',
      `a call failed with an exception that is not an ApiException: ${(error as Error).stack}`,
    );
    return;
  }
  world.showed(`${error.message} ${error.advice} ${JSON.stringify(error)} ${error.stack}`);
  if (!(error instanceof PushException)) return;
  for (const { id } of error.discarded)
    if (world.model.byId(id)?.exemption !== 'carried')
      world.model.reportViolation('I1', `${id} was discarded without a discard event`);
}

function breakStorage(world: World, how: StorageFault, amount: number): void {
  const { machine, origin } = world;
  if (origin) {
    if (how === 'full') origin.freeSpace = amount;
    if (how === 'set' || how === 'remove') origin.failing.add(how);
  } else if (machine) {
    const { faults } = machine.disk;
    if (how === 'full') faults.freeSpace = amount;
    else if (how === 'short') faults.share = (amount + 1) / 400;
    else if (how !== 'set' && how !== 'remove') faults.failing.add(how);
    world.mayHaveFailedToSync ||= how === 'sync';
    world.mayStayOwned ||= how === 'rename' || how === 'unlink';
    world.mayKeepOldFile ||= how === 'unlink';
    world.mayBeDuplicated ||= how === 'sync' || how === 'truncate';
  }
  world.mayBeUncompacted = true;
}
