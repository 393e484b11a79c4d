import { isStorageException, isStorageFull, type StorageException } from '../core/model/exceptions.js';
import type { Api, ApiOptions, SchemaField, StorageAdapter } from '../index.js';
import type { Call } from './command.js';
import type { Settings } from './config/settings.js';
import { isLocked, NotSavedException } from './exit.js';
import { Folder } from './folder/folder.js';
import type { HeldLock } from './folder/folder-lock.js';
import { type CommittingOptions, committingStorage, type Problems, readingStorage } from './folder/folder-storage.js';
import { pushingStorage } from './folder/pushing-writer.js';
import { loadLibrary, makeApi, type SessionOptions } from './session.js';
import { inShellWords } from './shell-words.js';

/** An `Api` in a folder. */
export interface Session {
  readonly api: Api;
  readonly folder: Folder;
}

/** The least that an entry takes in the journal, in bytes. */
const MIN_ENTRY_BYTES = 60;
/** How long a commit that may have to remove entries waits for the push lock, which a pushing process may hold for long. */
const EVICTION_WAIT_MS = 500;
/** The default of the option `liveSeconds`. */
const LIVE_SECONDS = 60;

/** Runs a step that stages or commits, under the folder's lock; entries are read only where there may be too many. */
export async function withCommitting<Result>(call: Call, run: (api: Api) => Result): Promise<Result> {
  const step: CommittingStep<Result> = { call, settings: call.settings(), folder: folderOf(call), problems: {}, run };
  await loadLibrary();
  try {
    return await commitOrRemove(step);
  } catch (error) {
    throw isStorageException(error) ? notSaved(error, step.problems) : error;
  }
}

async function commitOrRemove<Result>(step: CommittingStep<Result>): Promise<Result> {
  if (!mayBeFull(step)) {
    try {
      return await commitOnly(step, { readsEntries: false });
    } catch (error) {
      // The disk is full: entries may have to be removed.
      if (!isStorageFull(error) || !mayRemove(step)) throw error;
    }
  }
  return mayRemove(step) ? commitAndRemove(step) : commitOnly(step, { readsEntries: true });
}

/** The library reports that uncommitted values are still staged; in a folder this holds only if they were saved. */
function notSaved({ reason, advice, isFull }: StorageException, { staging }: Problems): NotSavedException {
  const [now, todo] =
    staging === undefined
      ? ['The values are staged.', inShellWords(advice)]
      : ['Nothing was changed by this call.', 'Free some disk space, then run it again.'];
  return new NotSavedException(`the values could not be saved: ${reason}. ${now}`, { advice: todo, isFull });
}

/** A step that stages or commits. */
interface CommittingStep<Result> {
  readonly call: Call;
  readonly settings: Settings;
  readonly folder: Folder;
  readonly problems: Problems;
  readonly run: (api: Api) => Result;
}

/** Changes no other entry. @param how - `readsEntries`: whether they are read, and count. */
function commitOnly<Result>(
  step: CommittingStep<Result>,
  { readsEntries }: { readonly readsEntries: boolean },
): Promise<Result> {
  const { settings, folder, problems } = step;
  const options = { problems, isBanded: bandsOf(settings), readsEntries };
  // Only a process with the push lock removes entries.
  const keeping: Partial<ApiOptions> = { overflow: 'refuse', maxAge: undefined };
  return folder.hold(() => commitWith(step, committingStorage(folder, options), keeping));
}

/** Removes entries as the configuration says. While another process pushes, the queue may exceed its limit instead. */
async function commitAndRemove<Result>(step: CommittingStep<Result>): Promise<Result> {
  const { settings, folder, problems } = step;
  let held: HeldLock;
  try {
    held = folder.pushLock.acquire(EVICTION_WAIT_MS);
  } catch (error) {
    if (!isLocked(error)) throw error;
    return commitOnly(step, { readsEntries: !evicts(step) });
  }
  const options = { problems, isBanded: bandsOf(settings) };
  try {
    const storage = pushingStorage(folder, { held, committing: options });
    return await folder.hold(() => commitWith(step, storage, {}));
  } finally {
    held.release();
  }
}

async function commitWith<Result>(
  { call, folder, problems, run }: CommittingStep<Result>,
  storage: StorageAdapter,
  extra: Partial<ApiOptions>,
): Promise<Result> {
  problems.staging = undefined;
  const result = await runWith(await makeApi(call, storage, { extra }), folder, (api) => {
    const done = run(api);
    const { suppressed } = api.status();
    if (suppressed > 0) folder.lastValues.addSuppressed(suppressed);
    return done;
  });
  if (problems.staging !== undefined) throw problems.staging;
  return result;
}

async function runWith<Result>(
  api: Api,
  folder: Folder | undefined,
  run: (api: Api) => Result | Promise<Result>,
): Promise<Result> {
  try {
    await api.ready;
    api.on('discard', ({ entries }) => {
      const fieldIds = new Set(entries.flatMap(({ values }) => values.map(({ fieldId }) => fieldId)));
      folder?.locked(() => folder.lastValues.removeFields(fieldIds));
    });
    return await run(api);
  } finally {
    await api.close();
  }
}

/** Whether a limit of the queue may be reached: only then are the entries read. */
function mayBeFull({ settings: { options }, folder }: Pick<CommittingStep<unknown>, 'settings' | 'folder'>): boolean {
  const { maxQueuedEntries: entries, maxQueuedBytes: bytes } = options;
  const { size } = folder.journal;
  return (
    (typeof entries === 'number' && size >= (entries - 1) * MIN_ENTRY_BYTES) ||
    (typeof bytes === 'number' && size >= bytes / 2)
  );
}

const evicts = ({ settings }: Pick<CommittingStep<unknown>, 'settings'>): boolean =>
  settings.options['overflow'] !== undefined && settings.options['overflow'] !== 'refuse';

/** Whether a commit may remove entries to free space. */
const mayRemove = (step: Pick<CommittingStep<unknown>, 'settings'>): boolean =>
  evicts(step) || step.settings.options['maxAge'] !== undefined;

/** @returns Whether a field id has a dead band; `undefined` if none has. */
function bandsOf({ options }: Settings): CommittingOptions['isBanded'] {
  const fields = Object.values((options['fields'] ?? {}) as Record<string, Partial<SchemaField> | string>);
  const banded = fields.filter((field) => typeof field === 'object' && field?.deadband !== undefined);
  const ids = new Set(banded.map((field) => (field as SchemaField).id));
  return ids.size > 0 ? (fieldId) => ids.has(fieldId) : undefined;
}

const folderOf = (call: Call): Folder => new Folder(call.settings().folder);

/** Shows a folder, and changes nothing. */
export async function withReading<Result>(
  call: Call,
  run: (session: Session) => Result,
  options: SessionOptions = {},
): Promise<Result> {
  const folder = folderOf(call);
  const api = await makeApi(call, readingStorage(folder, liveSecondsOf(call.settings())), options);
  try {
    await folder.hold(() => api.ready);
    return await run({ api, folder });
  } finally {
    await api.close();
  }
}

/** Runs with all entries of a folder, which may leave it: under its push lock. */
export async function withPushing<Result>(
  call: Call,
  run: (session: Session) => Promise<Result>,
  extra: Partial<ApiOptions> = {},
): Promise<Result> {
  const folder = folderOf(call);
  await loadLibrary();
  const held = folder.pushLock.acquire();
  const release = (): void => held.release();
  // A call that ends in the middle of a push: where processes can't be looked up, others would wait for minutes.
  process.once('exit', release);
  try {
    const storage = pushingStorage(folder, { held, liveSeconds: liveSecondsOf(call.settings()) });
    const api = await makeApi(call, storage, { extra: { stageUncommittedValues: false, ...extra } });
    return await runWith(api, folder, () => run({ api, folder }));
  } finally {
    process.off('exit', release);
    release();
  }
}

/** How long an entry is live; 0 if the order is another. */
function liveSecondsOf({ options: { order, liveSeconds } }: Settings): number {
  if (order !== 'live-first') return 0;
  return typeof liveSeconds === 'number' ? liveSeconds : LIVE_SECONDS;
}
