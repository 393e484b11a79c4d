import { isInsecure } from './core/model/base-url.js';
import type { PushResult } from './core/model/events.js';
import { isApiException, isStorageFull } from './core/model/exceptions.js';
import { FieldRegistry } from './core/model/field-registry.js';
import { own } from './core/model/input.js';
import { isPushException, onlyInMemory, type PushException, pushClosed } from './core/model/request-exceptions.js';
import { Emitter, type Subscribers } from './core/notify/emitter.js';
import { HostSubscription } from './core/notify/host-subscription.js';
import { logEvents } from './core/notify/log.js';
import { Notices } from './core/notify/notices.js';
import { StatusStore } from './core/notify/status-store.js';
import {
  CLEARED,
  fenced,
  insecureUrl,
  listenerFailed,
  QueueLength,
  Warnings,
  WEAK_IDS,
} from './core/notify/warnings.js';
import type { Config } from './core/options/options.js';
import { Discarder } from './core/outbox/discarder.js';
import { Eviction } from './core/outbox/eviction.js';
import { Expiry } from './core/outbox/expiry.js';
import { Lanes } from './core/outbox/lanes.js';
import { Outbox } from './core/outbox/outbox.js';
import { OrphanRecovery } from './core/outbox/recovery.js';
import type { Environment } from './core/ports/environment.js';
import type { Transport } from './core/ports/transport.js';
import { type AbortSignalLike, CoreAbortSignal } from './core/ports/web-types.js';
import { AutoPush } from './core/push/auto-push.js';
import { BadEntryFinder } from './core/push/bad-entry-finder.js';
import { BatchPlanner } from './core/push/batch-planner.js';
import { BatchSizer } from './core/push/batch-sizer.js';
import { drain } from './core/push/drain.js';
import { Hold } from './core/push/hold.js';
import { PushHistory } from './core/push/push-history.js';
import { UnloadFlush } from './core/push/unload-flush.js';
import { Uploader } from './core/push/uploader.js';
import { Poller } from './core/read/poller.js';
import { Reader } from './core/read/reader.js';
import { ServerClient } from './core/server/server-client.js';
import { Committer } from './core/staging/committer.js';
import { createDeadBands } from './core/staging/dead-bands.js';
import { Staging } from './core/staging/staging.js';
import { StagingPersistence } from './core/staging/staging-persistence.js';
import type { Clock } from './core/time/clock.js';
import { ClockCorrection } from './core/time/clock-correction.js';
import { defaultStorage } from './platform/default-storage.js';
import { hosted, environment as platform } from './platform/environment.js';
import { SystemClock } from './platform/system-clock.js';
import { hasWeakIds } from './storage/shared/random-id.js';
import { fetchTransport } from './transport/fetch-transport.js';

/** The platform, which tests and simulations replace. */
export interface Ports {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly environment: Environment;
  /** Entries of earlier runs are not adopted until it resolves: an `Api` that is not used after all takes none. */
  readonly startsAfter: Promise<void>;
}

/** The parts of an `Api`. */
export type Client = ReturnType<typeof createClient>;

/** The composition root: creates the parts of an `Api`, each after its dependencies, and connects them. */
export function createClient(config: Config, ports: Partial<Ports>) {
  const {
    clock = new SystemClock(),
    environment = config.environment ? hosted(config.environment) : platform,
    transport: given,
    startsAfter,
  } = own(ports);
  const transport = given ?? fetchTransport(clock, config.fetch);
  const { storage, warning } = config.storage ? { storage: config.storage } : defaultStorage();
  const { baseUrl, stageUnpushedEntries: saves, maxQueuedEntries: maxEntries, maxQueuedBytes: maxBytes } = config;
  const durability = saves ? storage.durability : 'none';
  const isInMemory = durability === 'none';

  const emitter = new Emitter();
  const clockCorrection = new ClockCorrection(clock);
  const server = new ServerClient({ transport, clock, environment, emitter }, config);
  const warnings = new Warnings(emitter, server);
  const base = { clock, clockCorrection, environment, emitter, server, redactor: server, warnings };

  const writer = storage.open({ deviceId: config.deviceId.toLowerCase(), baseUrl }, clock);
  const outbox = new Outbox(writer, emitter, { saves, maxEntries, maxBytes });
  const queueLength = new QueueLength(outbox, warnings);
  const notices = new Notices({ ...base, outbox }, { isInMemory });
  const lanes = new Lanes({ outbox, clock }, config.order === 'live-first' ? config.liveSeconds : 0);
  const discarder = new Discarder({ outbox, emitter });
  const queue = { ...base, writer, outbox, lanes, discarder };
  const eviction = new Eviction(queue, config.overflow);
  const expiry = new Expiry(queue, config.maxAge);
  const staging = new Staging(emitter);
  const local = { ...queue, eviction, expiry, staging, notices };
  const persistence = new StagingPersistence(local, { saves: config.stageUncommittedValues });
  const deadBands = createDeadBands(config.fields, clock);
  const committer = new Committer({ ...local, deadBands });

  const { maxEntriesPerRequest, maxBytesPerRequest } = config;
  const sizer = new BatchSizer({
    maxEntries: maxEntriesPerRequest,
    maxBytes: maxBytesPerRequest,
    isNamed: config.idempotency,
  });
  const hold = new Hold(emitter);
  const finder = new BadEntryFinder();
  const planner = new BatchPlanner({ lanes, finder, sizer });
  const uploads = { ...local, hold, sizer, finder, planner, slot: environment.uploads.open(baseUrl) };
  const flush = new UnloadFlush(uploads, { isEnabled: config.flushOnHide ?? isInMemory });
  const uploader = new Uploader(
    { ...uploads, flush, compressor: config.compression?.open(warnings) },
    { ...config, isInMemory },
  );
  const history = new PushHistory(outbox, clockCorrection);
  const pushes = { ...uploads, flush, uploader, history };
  const autoPush = config.autoPush ? new AutoPush(pushes, { ...config.autoPush, isInMemory }) : undefined;

  const fields = new FieldRegistry(config.fields, server);
  const closing = new CoreAbortSignal();
  const reader = new Reader({ ...base, closing, fields });
  const poller = new Poller({ ...base, reader });

  const status = new StatusStore({ ...pushes, deadBands, autoPush, poller }, durability);
  const host = new HostSubscription(environment, emitter, writer);
  const recovery = new OrphanRecovery({ ...local, deadBands }, startsAfter);
  const parts = {
    ...pushes,
    host,
    recovery,
    queueLength,
    persistence,
    deadBands,
    committer,
    autoPush,
    fields,
    closing,
    reader,
    poller,
    status,
  };
  emitter.connect(parts, SUBSCRIBERS);
  if (warning) warnings.defer(warning, clock);
  // In memory, no run meets the ids of another.
  if (!isInMemory && hasWeakIds(clock)) warnings.defer(WEAK_IDS, clock);
  if (isInsecure(baseUrl)) warnOfInsecureUrl(base, baseUrl);
  startLogging(base, config.debug);
  return { ...parts, storage, config, isInMemory };
}

function warnOfInsecureUrl({ warnings, clock, environment }: Announcing, baseUrl: string): void {
  const insecure = insecureUrl(baseUrl);
  warnings.defer(insecure, clock);
  // Also with a listener, which may not show it.
  environment.warn?.(insecure.code, insecure.message);
}

/** Writes the events as log lines, if the option `debug` or the environment asks for them. */
function startLogging({ environment, emitter }: Announcing, debug: Config['debug'] = environment.isDebugging): void {
  if (!debug) return;
  const write = typeof debug === 'function' ? debug : environment.print;
  logEvents(
    (name, listener) => emitter.on(name, listener),
    (line) => write?.(line),
  );
}

interface Announcing {
  readonly warnings: Warnings;
  readonly clock: Clock;
  readonly environment: Environment;
  readonly emitter: Emitter;
}

type Subscribing = Pick<
  Client,
  | 'outbox'
  | 'host'
  | 'queueLength'
  | 'notices'
  | 'server'
  | 'persistence'
  | 'deadBands'
  | 'warnings'
  | 'lanes'
  | 'finder'
  | 'history'
  | 'autoPush'
  | 'flush'
  | 'status'
>;

const holdWhileBusy = ({ host, outbox, status }: Subscribing): void => host.hold(outbox.length > 0 || status.isWatched);
const invalidate = ({ status }: Subscribing): void => status.invalidate();

/** The internal subscribers of each event, in the order in which they run: see {@link Emitter}. */
const SUBSCRIBERS: Subscribers<Subscribing> = {
  staged: [({ persistence }) => persistence.invalidate(), invalidate],
  enqueued: [
    ({ autoPush }) => autoPush?.onEnqueued(),
    ({ queueLength }) => queueLength.onEnqueued(),
    holdWhileBusy,
    ({ notices }) => notices.onQueueChanged(),
    invalidate,
  ],
  urgent: [({ autoPush }) => autoPush?.onUrgent()],
  removed: [
    ({ lanes }, entries) => lanes.remove(entries),
    ({ finder }, entries) => finder.remove(entries),
    ({ history }) => history.onRemoved(),
    ({ autoPush }) => autoPush?.onRemoved(),
    ({ queueLength }) => queueLength.onRemoved(),
    holdWhileBusy,
    ({ notices }) => notices.onQueueChanged(),
    invalidate,
  ],
  fenced: [
    ({ persistence }, { isStagedFenced }) => isStagedFenced && persistence.removeFenced(),
    ({ warnings }, { entries, isStagedFenced }) => (isStagedFenced || entries > 0) && warnings.add(fenced(entries)),
    invalidate,
  ],
  cleared: [({ warnings }) => warnings.add(CLEARED), ({ persistence }) => persistence.invalidate(), invalidate],
  'push-started': [({ autoPush }) => autoPush?.onPushStarted(), invalidate],
  'push-ended': [
    ({ history }, end) => history.onPushEnded(end),
    ({ autoPush }, end) => autoPush?.onPushEnded(end),
    invalidate,
  ],
  'push-aborted': [({ autoPush }) => autoPush?.onPushAborted(), invalidate],
  push: [({ history }, push) => history.onPush(push), invalidate],
  held: [({ autoPush }) => autoPush?.onHeld(), invalidate],
  discard: [({ deadBands }, { entries }) => deadBands?.onDiscarded(entries)],
  planned: [invalidate],
  'read-error': [invalidate],
  request: [invalidate],
  warning: [invalidate, ({ notices }, warning) => notices.onWarning(warning)],
  error: [({ notices }, error) => notices.onError(error)],
  watched: [holdWhileBusy],
  'listener-failed': [({ warnings }, failure) => warnings.add(listenerFailed(failure))],
  lifecycle: [
    ({ server }, event) => server.onLifecycle(event),
    invalidate,
    ({ autoPush }, event) => autoPush?.onLifecycle(event),
    ({ flush }, event) => flush.onLifecycle(event),
  ],
};

/**
 * Ends a client: requests under way are aborted, queued entries stay saved.
 *
 * @throws {@link PushException} if not everything was stored, with `push`; the client is closed anyway.
 */
export async function closeClient(
  client: Client,
  { push, timeoutSeconds }: { readonly push: boolean; readonly timeoutSeconds: number },
): Promise<void> {
  client.committer.close();
  client.autoPush?.close();
  client.recovery.close();
  try {
    if (push) await drain(client, timeoutSeconds);
  } catch (error) {
    throw client.isInMemory && isPushException(error) ? onlyInMemory(error) : error;
  } finally {
    stop(client);
  }
}

function stop({ host, uploader, poller, closing, persistence, outbox, notices, status }: Client): void {
  host.stop();
  uploader.stop(pushClosed());
  poller.stop();
  closing.abort();
  persistence.close();
  outbox.close();
  notices.close();
  status.invalidate();
}

/** Commits, then pushes. If the queue or the storage is full, pushes first, then commits the values staged at that time. */
export async function commitAndPush(parts: Client, signal: AbortSignalLike | undefined): Promise<PushResult> {
  try {
    parts.committer.commit();
  } catch (error) {
    if (!isStorageFull(error)) throw error;
    return pushToCommit(parts, signal);
  }
  return parts.uploader.push(signal);
}

/** Pushes to make space in the queue and the storage, then commits and pushes. */
async function pushToCommit({ committer, uploader }: Client, signal: AbortSignalLike | undefined): Promise<PushResult> {
  const before = await uploader.push(signal).catch((exception: PushException) => exception);
  // The new entry would be discarded as well.
  if (isPushException(before) && before.discarded.length > 0) throw before;
  committer.commit();
  const after = await uploader.push(signal);
  if (isApiException(before)) throw before;
  return {
    pushed: before.pushed + after.pushed,
    requests: before.requests + after.requests,
    expired: before.expired + after.expired,
  };
}
