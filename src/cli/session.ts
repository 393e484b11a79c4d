import type { Api, ApiOptions, StorageAdapter } from '../index.js';
import type { Call } from './command.js';
import { makeOptions } from './config/option-table.js';
import type { Settings } from './config/settings.js';
import { Folder } from './folder/folder.js';
import type { HeldLock } from './folder/folder-lock.js';
import { committingStorage, type Problems, readingStorage } from './folder/folder-storage.js';
import { pushingStorage } from './folder/pushing-writer.js';

/** An `Api` in a folder. */
export interface Session {
  readonly api: Api;
  readonly folder: Folder;
}

/** The least that an entry takes in the journal, in bytes. */
const MIN_ENTRY_BYTES = 60;

/** Loads the library, which most of the time of a start goes into, only where it is used. */
async function makeApi(settings: Settings, storage: StorageAdapter, extra: Partial<ApiOptions>): Promise<Api> {
  const { Api: ApiClass } = await import('../index.js');
  const { deviceId, apiKey, baseUrl } = settings;
  const options = await makeOptions(settings.options);
  return new ApiClass({ ...options, ...extra, deviceId, apiKey, baseUrl, storage, onRefusedCredentials: 'keep' });
}

/** Runs a step that stages or commits, under the folder's lock; no entries are read. */
export async function withCommitting<Result>(call: Call, run: (api: Api) => Result): Promise<Result> {
  const settings = call.settings();
  const folder = new Folder(settings.folder);
  const problems: Problems = {};
  const commit = (storage: StorageAdapter): Promise<Result> => commitWith(settings, storage, problems, run);
  return mayBeFull(settings, folder)
    ? withPushLock(folder, (held) => folder.hold(() => commit(pushingStorage(folder, { held, problems }))))
    : folder.hold(() => commit(committingStorage(folder, problems)));
}

async function commitWith<Result>(
  settings: Settings,
  storage: StorageAdapter,
  problems: Problems,
  run: (api: Api) => Result,
): Promise<Result> {
  const result = await runWith(await makeApi(settings, storage, {}), run);
  if (problems.staging !== undefined) throw problems.staging;
  return result;
}

async function runWith<Result>(api: Api, run: (api: Api) => Result | Promise<Result>): Promise<Result> {
  try {
    await api.ready;
    return await run(api);
  } finally {
    await api.close();
  }
}

/** Whether a limit of the queue may be reached: only then are the entries read, and some may have to go. */
function mayBeFull({ options }: Settings, { journal }: Folder): boolean {
  const { maxQueuedEntries: entries, maxQueuedBytes: bytes } = options;
  const { size } = journal;
  return (
    (typeof entries === 'number' && size >= (entries - 1) * MIN_ENTRY_BYTES) ||
    (typeof bytes === 'number' && size >= bytes / 2)
  );
}

/** Shows a folder, and changes nothing. */
export async function withReading<Result>(call: Call, run: (session: Session) => Result): Promise<Result> {
  const settings = call.settings();
  const folder = new Folder(settings.folder);
  const api = await makeApi(settings, readingStorage(folder), {});
  try {
    await folder.hold(() => api.ready);
    return await run({ api, folder });
  } finally {
    await api.close();
  }
}

/** Makes requests only: the folder is not touched. */
export async function withServer<Result>(call: Call, run: (api: Api) => Promise<Result>): Promise<Result> {
  const { memoryStorage } = await import('../index.js');
  return runWith(await makeApi(call.settings(), memoryStorage(), {}), run);
}

/** Runs with all entries of a folder, which may leave it: under its push lock. */
export async function withPushing<Result>(
  call: Call,
  run: (session: Session) => Promise<Result>,
  extra: Partial<ApiOptions> = {},
): Promise<Result> {
  const settings = call.settings();
  const folder = new Folder(settings.folder);
  return withPushLock(folder, async (held) => {
    const options = { stageUncommittedValues: false, ...extra };
    return runWith(await makeApi(settings, pushingStorage(folder, { held }), options), (api) => run({ api, folder }));
  });
}

async function withPushLock<Result>(folder: Folder, run: (held: HeldLock) => Promise<Result>): Promise<Result> {
  const held = folder.pushLock.acquire();
  try {
    return await run(held);
  } finally {
    held.release();
  }
}
