import type { Adoption, Loss, Writer } from '../../src/core/ports/storage.js';
import { Api, type Entry } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import type { WebPlatform } from '../../src/storage/web/lease/lease.js';
import { webStorage } from '../../src/storage/web/web-storage.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { excuseUnsaved, rememberUnsaved } from './deletion.js';
import { type Commit, Ledger } from './ledger.js';
import type { Life } from './life.js';
import { Machine } from './machine.js';
import { Network } from './network.js';
import { Origin, type Page } from './origin.js';
import { type Random, randomOf } from './random.js';
import { type Holdings, readFolder, readItems } from './records.js';
import {
  type BINDINGS,
  type Bug,
  foundIn,
  type Host,
  KEY_MARK,
  KEYS,
  lookAnew,
  type Run,
  spyOn,
  type Thrown,
  writerOf,
} from './run.js';
import type { Schedule } from './schedule.js';
import { Thefts } from './thefts.js';
import { SimulatedTime } from './time.js';
import { Uploads } from './uploads.js';

/** As many are put back by one call at most. */
const MOST_AT_ONCE = 4;

/** A machine or an origin, its processes or tabs, the network, and a ledger of what was promised. */
export class World {
  readonly ledger = new Ledger();
  /** How often each command and fault was met. */
  readonly census = new Map<string, number>();
  readonly schedule: Schedule;
  readonly time = new SimulatedTime();
  readonly network = new Network(this.time, (fate) => this.count(`answer: ${fate}`));
  readonly random: Random;
  readonly thefts = new Thefts(this);
  readonly uploads = new Uploads(this);
  readonly machine: Machine | undefined;
  readonly origin: Origin | undefined;
  readonly bug: Bug;
  /** The open `Api`s. */
  runs: Run[] = [];
  #starts = 0;
  hosts: Host[] = [];
  /** What `discard` events carried and nobody has put back. */
  thrown: Thrown[] = [];
  /** What can't be read and must stay. */
  markers: (string | Buffer)[] = [];
  /** As of the last look. */
  boot = 1;
  /** Whether records were spoiled. */
  isDamaged = false;
  /**
   * Whether entries were moved from one file to another: a crash in the middle, or a failing disk, leaves them in both, and
   * two may adopt them.
   */
  mayStandTwice = false;
  /** Whether a sync may have failed: after a power cut a file may then be, in part, as it was before. */
  mayHaveFailedToSync = false;
  /** Whether a file that was moved may be left as it was. */
  mayKeepOld = false;
  /** Whether a closed `Api` may have failed to give back its file. */
  mayBeHeld = false;
  /** Whether a compaction may have failed or been cut short. */
  mayBeLarge = false;
  /** Whether some of what the server does not take makes it stumble. */
  mayTakeLong = false;
  /** Whether what tells pages without locks that they were robbed was deleted. */
  wereMarksDeleted = false;
  /** When the storage was seen broken last. */
  brokenAt = Number.NEGATIVE_INFINITY;
  /** By how much the keys of all pages grew in all, and those of each. */
  #grown = 0;
  readonly #grownBy = new WeakMap<object, number>();

  constructor(schedule: Schedule, bug: Bug = {}) {
    this.schedule = schedule;
    this.bug = bug;
    this.random = randomOf(schedule.seed);
    const onEvent = (event: string): void => this.count(event);
    const { platform } = schedule;
    if (platform === 'web' || platform === 'plain')
      this.origin = new Origin(this.time, this.random, platform === 'web', onEvent);
    else this.machine = new Machine(this.time, this.random, onEvent);
    this.#watch();
  }

  /** Another world with the same storage, in which nobody lives. */
  copy(bug: Bug): World {
    // With a seed of its own: two that draw the same would be one writer.
    const copy = new World({ ...this.schedule, seed: this.schedule.seed ^ 0x5bd1e995 }, bug);
    Object.assign(copy, {
      machine: this.machine?.copy(copy.time),
      origin: this.origin?.copy(copy.time, copy.random),
    });
    copy.#watch();
    return copy;
  }

  count(what: string): void {
    this.census.set(what, (this.census.get(what) ?? 0) + 1);
  }

  get isStorageBroken(): boolean {
    const faults = this.machine?.disk.faults ?? this.origin;
    return faults !== undefined && (faults.room < Number.POSITIVE_INFINITY || faults.failing.size > 0);
  }

  /** What anyone who looks into the storage now can read. */
  holdings(): Holdings {
    return this.origin ? readItems(this.origin) : readFolder(this.machine?.disk.cached ?? new Map(), 'cached');
  }

  /** What anyone could read if the power failed now and nothing survived that was not synced. */
  durableHoldings(): Holdings {
    return readFolder(this.machine?.disk.certain ?? new Map(), 'durable');
  }

  startHost(namespace: number, locksFreedAfter: number): Host {
    const { machine, origin, bug } = this;
    if (machine) {
      const { life, platform } = machine.start(namespace);
      const durability = this.schedule.platform === 'power' ? 'power' : 'process';
      const storage = fileStorage(machine.disk.folder, { durability }, bug.files?.(platform) ?? platform);
      return this.#add(life, () => storage);
    }
    const page = (origin as Origin).open(locksFreedAfter);
    const given: WebPlatform = { locks: page.locks, page: page.window };
    const [storage, platform] = bug.page?.(page.storage, given) ?? [page.storage, given];
    const shared = webStorage(storage, { maxLength: this.schedule.maxLength }, platform);
    return this.#add(page.life, () => shared, page);
  }

  #add(life: Life, open: Host['open'], page?: Page): Host {
    // Few, so that they wait for each other.
    const uploadsAtOnce = 1 + (this.#starts % 2);
    this.#starts += 1;
    const host = {
      life,
      open,
      page,
      environment: new FakeEnvironment(uploadsAtOnce),
      uploadsAtOnce,
      isHidden: false,
      frozenAt: Number.NEGATIVE_INFINITY,
      grownByOthers: 0,
    };
    life.onLastMoment = () => rememberUnsaved(this, life);
    this.hosts.push(host);
    return host;
  }

  #watch(): void {
    const { machine, origin } = this;
    if (machine)
      machine.onRobbery = (owner, isSameNamespace, silent) => {
        const robbed = this.hosts.find(({ life }) => life === owner);
        if (robbed) this.thefts.ofFile(robbed, isSameNamespace, silent);
      };
    if (origin) origin.onGrowth = ({ page, grown }) => this.#grew(page, grown);
  }

  /** All pages together may exceed the bound by what one can't know of: what others added since it looked. */
  #grew(page: object, grown: number): void {
    this.#grown += grown;
    this.#grownBy.set(page, (this.#grownBy.get(page) ?? 0) + grown);
    const { maxLength } = this.schedule;
    const host = this.hosts.find(({ life }) => life === page);
    if (maxLength === undefined || host === undefined) return;
    const unknown = this.#grownByOthersThan(page) - host.grownByOthers;
    const length = this.origin?.length ?? 0;
    if (length > maxLength + unknown)
      this.ledger.accuse(
        'I7',
        `${length} units are taken of ${maxLength}, and ${unknown} were added by others meanwhile`,
      );
  }

  #grownByOthersThan(page: object): number {
    return this.#grown - (this.#grownBy.get(page) ?? 0);
  }

  /** Opens an `Api` in a process or a tab. */
  open(host: Host, binding: (typeof BINDINGS)[number]): Run {
    const { schedule, bug, ledger } = this;
    const bindingText = `${binding.deviceId} ${binding.baseUrl}`;
    const run = {
      host,
      binding,
      bindingText,
      writer: '',
      writers: new Set(),
      key: KEYS[0] ?? '',
      staged: new Map(),
      savedStaged: [],
      intended: undefined,
      restoring: new Set(),
      isClosed: false,
      isAdopting: false,
      uploads: 0,
      refusedAlone: new Set(),
      hasAccepted: false,
      quietUntil: Number.NEGATIVE_INFINITY,
      underWay: new Map(),
      inFlight: new Set(),
      checkedAt: 0,
      // Whoever shares its file shares what became of that.
      unsaved: this.machine && this.runs.find((other) => other.host === host && other.unsaved)?.unsaved,
      pushes: new Set(),
      seen: { committed: 0, bytes: 0, queue: [], warnings: 0 },
    } as unknown as Run & { api: Api };
    const clock = this.time.clockOf(run, this.random);
    const transport = this.network.transportOf(host.life, run, {
      sent: (request) => this.uploads.sent(run, request),
      stored: (request) => this.uploads.stored(run, request),
      ended: (request, answer) => this.uploads.ended(run, request, answer),
    });
    const opened = host.open();
    // What forgets staged values is a record as any other: damaged, or not synced, it comes to nothing.
    const mayBeCommitted = (): boolean =>
      this.isDamaged ||
      // Nothing tells a page that slept that another took what it had staged: it saves that again.
      this.wereMarksDeleted ||
      // So is the one in a file that was left as it was when what it held was moved.
      (this.mayStandTwice && this.mayKeepOld) ||
      ((schedule.platform === 'process' || this.mayHaveFailedToSync) && (this.machine?.boot ?? 1) > 1);
    const storage = spyOn(bug.storage?.(opened) ?? opened, {
      opened: ({ id }) => {
        run.writer = id;
        run.writers.add(id);
      },
      checked: (loss, writer) => this.#checked(run, loss, writer),
      savedAgain: () => {
        if (run.unsaved) run.unsaved.isOver = true;
        this.count('saved again');
      },
      savedStaged: (values) => {
        run.savedStaged = values;
      },
      adopt: (call) => this.#adopt(run, call),
      adopted: (staged) => {
        if (!host.life.isAlive || run.isClosed || run.staged.size > 0) return;
        for (const { fieldId, value } of staged) {
          ledger.cameBack(value, bindingText, mayBeCommitted());
          run.staged.set(fieldId, value);
        }
      },
    });
    const { maxEntriesPerRequest, onRefusedCredentials, maxQueuedEntries, overflow, autoPush, flushOnHide } = schedule;
    const options = { maxEntriesPerRequest, onRefusedCredentials, maxQueuedEntries, overflow, autoPush, flushOnHide };
    run.api = new Api(
      { ...binding, ...options, apiKey: run.key, storage },
      {
        clock: bug.clock?.(clock) ?? clock,
        transport: bug.transport?.(transport) ?? transport,
        environment: host.environment,
      },
    );
    run.api.on('discard', ({ entries, message }) => {
      this.showed(message);
      this.#discarded(run, entries);
    });
    run.api.on('drop', ({ entries, message }) => {
      this.showed(message);
      this.#dropped(run, entries);
    });
    run.api.on('warning', (warning) => this.showed(JSON.stringify(warning)));
    run.api.on('push', (event) => {
      run.hasAccepted = false;
      this.showed(JSON.stringify(event));
    });
    run.api.on('quarantine', (event) => {
      this.showed(JSON.stringify(event));
      this.#quarantined(run, event.entries);
    });
    run.api.on('adopt', (event) => this.showed(JSON.stringify(event)));
    run.api.on('retry', (event) => {
      this.count('retry');
      this.showed(JSON.stringify(event));
    });
    run.api.on('error', ({ message, advice }) => this.showed(message + advice));
    this.runs.push(run);
    return run;
  }

  /** Something was shown to the user. */
  showed(text: string): void {
    if (text.toLowerCase().includes(KEY_MARK)) this.ledger.accuse('I8', `the API key is in ${JSON.stringify(text)}`);
  }

  /** Forgets those whose process or tab has ended. */
  bury(): void {
    for (const { life } of this.hosts) if (!life.isAlive) this.time.forget(life);
    for (const run of this.runs) if (!run.host.life.isAlive) this.time.forget(run);
    this.runs = this.runs.filter(({ host, isClosed }) => host.life.isAlive && !isClosed);
    this.hosts = this.hosts.filter(({ life }) => life.isAlive);
  }

  /** The entries of a run's queue, as the commits that they are. */
  queueOf(run: Run): (Commit | undefined)[] {
    return run.api.log().map((entry) => this.ledger.find(foundIn(entry, run), 'a queue'));
  }

  /** The ids of the entries of a run's queue, which must be commits. */
  readQueue(run: Run): string[] {
    return run.api.log().map((entry) => {
      this.ledger.find(foundIn(entry, run), 'a queue');
      return entry.id;
    });
  }

  async #adopt(run: Run, call: () => Promise<Adoption>): Promise<Adoption> {
    run.isAdopting = true;
    // It looks at once.
    run.host.grownByOthers = this.#grownByOthersThan(run.host.life);
    try {
      const adoption = await call();
      if (!run.host.life.isAlive) return adoption;
      this.thefts.adopted(run, adoption.entries);
      for (const { writer, sequence } of adoption.entries) {
        const commit = this.ledger.byId(`${writer}-${sequence}`);
        // Its own too, where another had taken it: how far the clock was ahead is not saved.
        if (commit?.clock?.by === run) commit.clock = undefined;
      }
      if (adoption.entries.length > 0) this.count('adopted entries');
      if (adoption.staged.length > 0) this.count('staged values came back');
      return adoption;
    } finally {
      run.isAdopting = false;
    }
  }

  #checked(run: Run, loss: Loss | undefined, { id }: Writer): void {
    run.checkedAt = this.thefts.now();
    run.writer = id;
    run.writers.add(id);
    if (loss === undefined) return;
    lookAnew(run);
    if (loss.kind === 'taken') this.count('was robbed');
    // What could not be saved again under an id that another has by now.
    if (loss.kind === 'taken' && run.unsaved) excuseUnsaved(this, run);
    if (loss.kind === 'taken' && loss.isStagedTaken) {
      for (const { fieldId, value } of run.savedStaged)
        if (run.staged.get(fieldId) === value) run.staged.delete(fieldId);
      this.#intendAnew(run);
    }
  }

  /** A commit learns only now that another has some of the values that it was to be made of. */
  #intendAnew(run: Run): void {
    const { intended, staged } = run;
    if (intended === undefined) return;
    intended.state = 'failed';
    if (staged.size === 0) run.intended = undefined;
    else {
      run.intended = this.ledger.intend(staged, intended.timestamp, run.bindingText);
      run.intended.clock = intended.clock;
    }
  }

  /** An entry is set aside only if it was refused alone, in a push in which another was accepted. */
  #quarantined(run: Run, entries: readonly Entry[]): void {
    if (!run.host.life.isAlive) return;
    this.count('quarantine');
    lookAnew(run);
    for (const entry of entries) {
      const commit = this.ledger.find(foundIn(entry, run), 'a quarantine event');
      if (commit === undefined) continue;
      if (!run.refusedAlone.has(entry.id))
        this.ledger.accuse('I1', `${entry.id} was set aside, though it was never refused alone`);
      if (!run.hasAccepted) this.ledger.accuse('I1', `${entry.id} was set aside, though no other was accepted`);
    }
  }

  #discarded(run: Run, entries: readonly Entry[]): void {
    if (!run.host.life.isAlive) return;
    this.count('discard');
    for (const entry of entries) {
      const commit = this.ledger.find(foundIn(entry, run), 'a discard event');
      if (commit === undefined) continue;
      if (!run.writers.has(writerOf(entry.id)) || commit.isRestored)
        this.ledger.accuse('I1', `${entry.id} was thrown away, though this run did not commit it`);
      this.ledger.excuse(commit, 'carried');
      this.thrown.push({ entry, bindingText: run.bindingText });
    }
  }

  #dropped(run: Run, entries: readonly Entry[]): void {
    if (!run.host.life.isAlive) return;
    this.count('drop');
    lookAnew(run);
    const { ledger, schedule } = this;
    const { maxQueuedEntries = Number.POSITIVE_INFINITY, maxLength, overflow } = schedule;
    const log = run.api.log();
    const aside = run.api.quarantined();
    const oldest = [
      ...aside.filter(({ id }) => !run.restoring.has(id)),
      ...log.filter(({ id }) => !run.inFlight.has(id)),
    ].slice(0, entries.length);
    const isFull =
      log.length + aside.length + MOST_AT_ONCE > maxQueuedEntries || maxLength !== undefined || this.isStorageBroken;
    if (overflow !== 'drop-oldest' || !isFull) ledger.accuse('I1', 'entries were dropped, though nothing was full');
    for (const [index, entry] of entries.entries()) {
      const commit = ledger.find(foundIn(entry, run), 'a drop event');
      if (run.inFlight.has(entry.id)) ledger.accuse('I1', `${entry.id} was dropped while it is being uploaded`);
      else if (oldest[index]?.id !== entry.id) ledger.accuse('I1', `${entry.id} was dropped, which is not the oldest`);
      if (commit === undefined) continue;
      ledger.excuse(commit, 'carried');
      this.thrown.push({ entry, bindingText: run.bindingText });
    }
  }
}
