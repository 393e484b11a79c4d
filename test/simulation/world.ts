import type { Adoption, OwnershipLoss, Writer } from '../../src/core/ports/storage.js';
import { Api, type Compression, type Entry, type QuarantinedEntry, thin } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import type { WebPlatform } from '../../src/storage/web/lease/lease.js';
import { webStorage } from '../../src/storage/web/web-storage.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { FIELDS } from './commands.js';
import { DeadBandModel } from './dead-band-model.js';
import { exemptUnsaved, rememberUnsaved } from './deletion.js';
import { EncodingModel, instantGzip } from './encoding-model.js';
import { LaneModel } from './lane-model.js';
import type { Lifecycle } from './lifecycle.js';
import { Machine } from './machine.js';
import { type Commit, Model } from './model.js';
import { Network } from './network.js';
import { Origin, type Page } from './origin.js';
import { OwnershipModel } from './ownership-model.js';
import { PushModel } from './push-model.js';
import { type Random, randomOf } from './random.js';
import {
  type BINDINGS,
  type Bug,
  type DiscardedEntry,
  fieldsOf,
  foundEntry,
  type Host,
  invalidateSeen,
  KEY_MARK,
  KEYS,
  nameOf,
  type Run,
  spyOn,
  writerOf,
} from './run.js';
import type { Schedule } from './schedule.js';
import { namesEntries } from './schedule.js';
import { readFolder, readItems, type StorageContents } from './storage-contents.js';
import { SimulatedTime } from './time.js';
import { lastPlan, Uploads } from './uploads.js';

/** The most entries that one call restores. */
const MAX_RESTORED = 4;

/** A machine or an origin, its processes or tabs, the network, and the model of the expected state. */
export class World {
  readonly model = new Model();
  /** The occurrences of each command, outcome and fault. */
  readonly coverage = new Map<string, number>();
  readonly schedule: Schedule;
  readonly time = new SimulatedTime();
  readonly network = new Network(this.time, (outcome) => this.count(`answer: ${outcome}`));
  readonly random: Random;
  readonly ownership = new OwnershipModel(this);
  readonly uploads = new Uploads(this);
  readonly lanes = new LaneModel(this);
  readonly machine: Machine | undefined;
  readonly origin: Origin | undefined;
  readonly bug: Bug;
  /** The open `Api`s. */
  runs: Run[] = [];
  #starts = 0;
  hosts: Host[] = [];
  /** The entries carried by `discard` and `drop` events and not restored yet. */
  discarded: DiscardedEntry[] = [];
  /** Unreadable records, which must stay. */
  markers: (string | Buffer)[] = [];
  /** The number of the boot at the last check. */
  boot = 1;
  /** Whether records were damaged. */
  isDamaged = false;
  /**
   * Whether entries were moved from one file to another: a crash in between, or a failing disk, leaves them in both, and
   * two runs may adopt them.
   */
  mayBeDuplicated = false;
  /** Whether a sync may have failed, so that a power cut may undo a part of a file. */
  mayHaveFailedToSync = false;
  /** Whether a file whose entries were moved may be left unchanged. */
  mayKeepOldFile = false;
  /** Whether a closed `Api` may have failed to release its file. */
  mayStayOwned = false;
  /** Whether a compaction may have failed or been cut short. */
  mayBeUncompacted = false;
  /** Whether some entries fail with 5xx. */
  hasFailingEntries = false;
  /** Whether the tombstones that fence pages without locks were deleted. */
  wereTombstonesDeleted = false;
  /** The time at which the storage was last failing. */
  brokenAt = Number.NEGATIVE_INFINITY;
  /** The total growth of all pages' keys, and that of each page. */
  #grown = 0;
  readonly #grownBy = new WeakMap<object, number>();

  constructor(schedule: Schedule, bug: Bug = {}) {
    this.schedule = schedule;
    this.bug = bug;
    this.random = randomOf(schedule.seed);
    this.network.encodings = schedule.encodings;
    const onEvent = (event: string): void => this.count(event);
    const { platform } = schedule;
    if (platform === 'web' || platform === 'plain')
      this.origin = new Origin(this.time, this.random, platform === 'web', onEvent);
    else this.machine = new Machine(this.time, this.random, onEvent);
    this.#watch();
  }

  /** Another world with the same storage and no runs. */
  copy(bug: Bug): World {
    // A seed of its own: with equal draws, two writers would have the same id.
    // Entries don't expire in it, whose recoveries are compared.
    const copy = new World({ ...this.schedule, maxAge: undefined, seed: this.schedule.seed ^ 0x5bd1e995 }, bug);
    Object.assign(copy, {
      machine: this.machine?.copy(copy.time),
      origin: this.origin?.copy(copy.time, copy.random),
    });
    copy.#watch();
    return copy;
  }

  count(name: string): void {
    this.coverage.set(name, (this.coverage.get(name) ?? 0) + 1);
  }

  get isStorageBroken(): boolean {
    const faults = this.machine?.disk.faults ?? this.origin;
    return faults !== undefined && (faults.freeSpace < Number.POSITIVE_INFINITY || faults.failing.size > 0);
  }

  /** The readable contents of the storage. */
  contents(): StorageContents {
    return this.origin ? readItems(this.origin) : readFolder(this.machine?.disk.cached ?? new Map(), 'cached');
  }

  /** The contents that would certainly survive a power cut. */
  durableContents(): StorageContents {
    return readFolder(this.machine?.disk.certain ?? new Map(), 'durable');
  }

  startHost(namespace: number, locksFreedAfter: number): Host {
    const { machine, origin, bug } = this;
    if (machine) {
      const { lifecycle, platform } = machine.start(namespace);
      const durability = this.schedule.platform === 'power' ? 'power' : 'process';
      const storage = fileStorage(machine.disk.folder, { durability }, bug.files?.(platform) ?? platform);
      return this.#add(lifecycle, () => storage);
    }
    const page = (origin as Origin).open(locksFreedAfter);
    const given: WebPlatform = { locks: page.locks, page: page.window };
    const [storage, platform] = bug.page?.(page.storage, given) ?? [page.storage, given];
    const shared = webStorage(storage, { maxLength: this.schedule.maxLength }, platform);
    return this.#add(page.lifecycle, () => shared, page);
  }

  #add(lifecycle: Lifecycle, open: Host['open'], page?: Page): Host {
    // Few, so that uploads wait for each other.
    const uploadsAtOnce = 1 + (this.#starts % 2);
    this.#starts += 1;
    const host = {
      lifecycle,
      open,
      page,
      environment: new FakeEnvironment(uploadsAtOnce),
      uploadsAtOnce,
      isHidden: false,
      frozenAt: Number.NEGATIVE_INFINITY,
      grownByOthers: 0,
    };
    lifecycle.onEnding = () => rememberUnsaved(this, lifecycle);
    this.hosts.push(host);
    return host;
  }

  #watch(): void {
    const { machine, origin } = this;
    if (machine)
      machine.onAdoptedFromLiving = (owner, isSameNamespace, silentMs) => {
        const host = this.hosts.find(({ lifecycle }) => lifecycle === owner);
        if (host) this.ownership.fileAdopted(host, isSameNamespace, silentMs);
      };
    if (origin) origin.onGrowth = ({ page, grown }) => this.#grew(page, grown);
  }

  /** All pages together may exceed the quota by the growth of other pages since the last look. */
  #grew(page: object, grown: number): void {
    this.#grown += grown;
    this.#grownBy.set(page, (this.#grownBy.get(page) ?? 0) + grown);
    const { maxLength } = this.schedule;
    const host = this.hosts.find(({ lifecycle }) => lifecycle === page);
    if (maxLength === undefined || host === undefined) return;
    const unknown = this.#grownByOthersThan(page) - host.grownByOthers;
    const length = this.origin?.length ?? 0;
    if (length > maxLength + unknown)
      this.model.reportViolation(
        'I7',
        `${length} units are used of ${maxLength}, and ${unknown} were added by others meanwhile`,
      );
  }

  #grownByOthersThan(page: object): number {
    return this.#grown - (this.#grownBy.get(page) ?? 0);
  }

  /** Opens an `Api` in a process or a tab. */
  open(host: Host, destination: (typeof BINDINGS)[number]): Run {
    const { schedule, bug, model } = this;
    const destinationText = `${destination.deviceId} ${destination.baseUrl}`;
    const canCompress = schedule.seed % 5 > 0;
    const run = {
      host,
      destination,
      destinationText,
      writer: '',
      writers: new Set(),
      key: KEYS[0] ?? '',
      staged: new Map(),
      savedStaged: [],
      pending: undefined,
      beginAgain: undefined,
      deadBands: new DeadBandModel(schedule.deadband),
      encoding: new EncodingModel(schedule.isCompressed && canCompress),
      planned: undefined,
      isHeld: false,
      restoring: new Set(),
      isClosed: false,
      isAdopting: false,
      uploads: 0,
      pushModel: new PushModel(),
      pausedUntil: Number.NEGATIVE_INFINITY,
      urgentFrom: Number.NEGATIVE_INFINITY,
      turn: undefined,
      inFlightRequests: new Map(),
      inFlight: new Set(),
      checkedAt: 0,
      // Runs that share a file share its state.
      unsaved: this.machine && copyOf(this.runs.find((other) => other.host === host && other.unsaved)?.unsaved),
      pushes: new Set(),
      seen: { committed: 0, bytes: 0, queue: [], warnings: 0 },
    } as unknown as Run & { api: Api };
    const clock = this.time.clockOf(run, this.random);
    const transport = this.network.transportOf(host.lifecycle, run, {
      sent: (request) => this.uploads.sent(run, request),
      stored: (request) => this.uploads.stored(run, request),
      ended: (request, answer) => this.uploads.ended(run, request, answer),
    });
    const opened = host.open();
    // The record that clears staged values may be lost, as it may be damaged or not synced.
    const mayBeCommitted = (): boolean =>
      this.isDamaged ||
      // Without tombstones, a thawed page saves staged values again that another page has adopted.
      this.wereTombstonesDeleted ||
      // A file whose entries were moved may be left unchanged.
      (this.mayBeDuplicated && this.mayKeepOldFile) ||
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
        if (!host.lifecycle.isAlive || run.isClosed || run.staged.size > 0) return;
        for (const { fieldId, value } of staged) {
          model.stagedRestored(value, destinationText, mayBeCommitted());
          run.staged.set(fieldId, value);
        }
      },
    });
    const { maxEntriesPerRequest, onRefusedCredentials, maxQueuedEntries, autoPush, flushOnHide } = schedule;
    const { order, liveSeconds, maxAge, maxQueuedBytes } = schedule;
    const overflow = schedule.overflow === 'thin' ? (bug.overflow?.(thin()) ?? thin()) : schedule.overflow;
    const pushing = { maxEntriesPerRequest, onRefusedCredentials, autoPush, flushOnHide, order, liveSeconds };
    const limits = { ...pushing, maxQueuedEntries, maxQueuedBytes, overflow, maxAge };
    const compression = schedule.isCompressed ? this.#compression(run, canCompress) : undefined;
    const fields = schedule.deadband && fieldsWith(schedule);
    const options = { ...limits, fields, compression, idempotency: namesEntries(schedule) };
    run.api = new Api(
      { ...destination, ...options, apiKey: run.key, storage },
      {
        clock: bug.clock?.(clock) ?? clock,
        transport: bug.transport?.(transport) ?? transport,
        environment: host.environment,
      },
    );
    run.api.on('discard', ({ reason, entries, message }) => {
      this.showed(message);
      run.deadBands.left(fieldsOf(entries));
      if (reason === 'overflow') this.#evicted(run, entries);
      else if (reason === 'expired') this.#expired(run, entries);
      else this.#discarded(run, entries);
      // The next value of a field whose entry was discarded is committed, whatever its dead band.
      if (schedule.deadband && host.lifecycle.isAlive) this.#modelAgain(run);
    });
    run.api.on('warning', (warning) => this.showed(JSON.stringify(warning)));
    run.api.on('push', (event) => {
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

  #compression(run: Run, canCompress: boolean): Compression {
    const compression = instantGzip(canCompress);
    const { open } = this.bug.compression?.(compression) ?? compression;
    return {
      open: (warnings) => {
        const compressor = open(warnings);
        return {
          post: (body, send) => {
            // Others may plan their batches while this one is compressed.
            run.planned = lastPlan();
            return compressor.post(body, send);
          },
        };
      },
    };
  }

  /** Checks a text that is shown to the application. */
  showed(text: string): void {
    if (text.toLowerCase().includes(KEY_MARK))
      this.model.reportViolation('I8', `the API key is in ${JSON.stringify(text)}`);
  }

  /** Removes the runs and hosts that have ended. */
  removeEnded(): void {
    for (const { lifecycle } of this.hosts) if (!lifecycle.isAlive) this.time.forget(lifecycle);
    for (const run of this.runs) if (!run.host.lifecycle.isAlive) this.time.forget(run);
    this.runs = this.runs.filter(({ host, isClosed }) => host.lifecycle.isAlive && !isClosed);
    this.hosts = this.hosts.filter(({ lifecycle }) => lifecycle.isAlive);
  }

  /** The entries of a run's queue, as the commits that they are. */
  queueOf(run: Run): (Commit | undefined)[] {
    return run.api.log().map((entry) => this.model.find(foundEntry(entry, run), 'a queue'));
  }

  /** The ids of the entries of a run's queue, which must be commits. */
  readQueue(run: Run): string[] {
    return run.api.log().map((entry) => {
      this.model.find(foundEntry(entry, run), 'a queue');
      return entry.id;
    });
  }

  async #adopt(run: Run, call: () => Promise<Adoption>): Promise<Adoption> {
    run.isAdopting = true;
    // The look is immediate.
    run.host.grownByOthers = this.#grownByOthersThan(run.host.lifecycle);
    try {
      const adoption = await call();
      if (!run.host.lifecycle.isAlive) return adoption;
      this.ownership.adopted(run, adoption.entries);
      this.lanes.adopted(
        run,
        adoption.entries.map(({ writer, sequence }) => `${writer}-${sequence}`),
      );
      for (const { writer, sequence } of adoption.entries) {
        const commit = this.model.byId(`${writer}-${sequence}`);
        // Its own entries too, where another had adopted them: the clock offset is not saved.
        if (commit?.clock?.by === run) commit.clock = undefined;
      }
      if (adoption.entries.length > 0) this.count('adopted entries');
      if (adoption.staged.length > 0) this.count('staged values came back');
      return adoption;
    } finally {
      run.isAdopting = false;
    }
  }

  #checked(run: Run, loss: OwnershipLoss | undefined, { id }: Writer): void {
    run.checkedAt = this.ownership.tick();
    run.writer = id;
    run.writers.add(id);
    if (loss === undefined) return;
    invalidateSeen(run);
    if (loss.kind === 'fenced') this.count('fenced');
    // Entries that could not be saved again under an id that has been adopted meanwhile.
    if (loss.kind === 'fenced' && run.unsaved) exemptUnsaved(this, run);
    if (loss.kind === 'fenced' && loss.isStagedFenced) {
      for (const { fieldId, value } of run.savedStaged)
        if (run.staged.get(fieldId) === value) run.staged.delete(fieldId);
      this.#modelAgain(run);
    }
  }

  /** Some values of the pending commit turned out to be adopted by another run. */
  #modelAgain(run: Run): void {
    const { pending } = run;
    if (pending !== undefined) pending.state = 'failed';
    run.beginAgain?.();
  }

  /** An entry is quarantined only on evidence: see {@link PushModel.whyNotQuarantine}. */
  #quarantined(run: Run, entries: readonly QuarantinedEntry[]): void {
    if (!run.host.lifecycle.isAlive) return;
    invalidateSeen(run);
    for (const entry of entries) {
      const { id, retryable = false } = entry;
      this.count(retryable ? 'quarantine by strikes' : 'quarantine');
      if (this.model.find(foundEntry(entry, run), 'a quarantine event') === undefined) continue;
      const reason = run.pushModel.whyNotQuarantine(id, retryable);
      if (reason !== undefined) this.model.reportViolation('I1', `${id} was quarantined, though ${reason}`);
    }
  }

  #discarded(run: Run, entries: readonly Entry[]): void {
    if (!run.host.lifecycle.isAlive) return;
    this.count('discard');
    if (!run.pushModel.isConfirmed)
      this.model.reportViolation(
        'I1',
        'entries were discarded, though the rejection of the credentials was not confirmed',
      );
    for (const entry of entries) {
      const commit = this.model.find(foundEntry(entry, run), 'a discard event');
      if (commit === undefined) continue;
      if (!run.writers.has(writerOf(entry.id)) || commit.isRestored)
        this.model.reportViolation('I1', `${entry.id} was discarded, though this run did not commit it`);
      this.model.exempt(commit, 'carried');
      this.discarded.push({ entry, destinationText: run.destinationText });
    }
  }

  #expired(run: Run, entries: readonly Entry[]): void {
    if (!run.host.lifecycle.isAlive) return;
    this.count('expire');
    invalidateSeen(run);
    this.lanes.expired(
      run,
      entries.map(({ id }) => id),
    );
    this.#carried(run, entries);
  }

  /** Entries leave through an event, and may be restored. */
  #carried(run: Run, entries: readonly Entry[]): void {
    for (const entry of entries) {
      const commit = this.model.find(foundEntry(entry, run), 'a discard event');
      if (commit === undefined) continue;
      this.model.exempt(commit, 'carried');
      this.discarded.push({ entry, destinationText: run.destinationText });
    }
  }

  #evicted(run: Run, entries: readonly Entry[]): void {
    if (!run.host.lifecycle.isAlive) return;
    this.count(this.schedule.overflow === 'thin' ? 'thin' : 'evict');
    invalidateSeen(run);
    const { model, schedule } = this;
    const { maxQueuedEntries = Number.POSITIVE_INFINITY, maxLength, overflow, maxQueuedBytes } = schedule;
    const log = run.api.log();
    const quarantined = run.api.quarantined();
    const oldest = [
      ...quarantined.filter(({ id }) => !run.restoring.has(id)),
      ...log.filter(({ id }) => !run.inFlight.has(id)),
    ].slice(0, entries.length);
    const isFull =
      log.length + quarantined.length + MAX_RESTORED > maxQueuedEntries ||
      maxLength !== undefined ||
      maxQueuedBytes !== undefined ||
      this.isStorageBroken;
    if (overflow === 'refuse' || !isFull) model.reportViolation('I1', 'entries were dropped, though nothing was full');
    if (overflow === 'thin') {
      this.lanes.thinned(
        run,
        entries.map(({ id }) => id),
      );
      this.#carried(run, entries);
      return;
    }
    for (const [index, entry] of entries.entries()) {
      if (run.inFlight.has(entry.id)) model.reportViolation('I1', `${entry.id} was dropped in flight`);
      else if (oldest[index]?.id !== entry.id)
        model.reportViolation('I1', `${entry.id} was dropped, which is not the oldest`);
    }
    this.#carried(run, entries);
  }
}

const fieldsWith = (schedule: Schedule) =>
  Object.fromEntries(
    FIELDS.map((id) => {
      const { by, atLeastEverySeconds } = schedule.deadband ?? { by: 0 };
      return [nameOf(id, schedule), { id, deadband: by, atLeastEverySeconds }];
    }),
  );

const copyOf = <Value extends object>(value: Value | undefined): Value | undefined => value && { ...value };
