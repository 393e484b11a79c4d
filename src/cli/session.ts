import type { Api, ApiOptions, StorageAdapter } from '../index.js';
import type { Call } from './command.js';
import { makeOptions } from './config/option-table.js';
import type { Settings } from './config/settings.js';

/** Loads the library, which most of the time of a start goes into, only where it is used, and before a lock is taken. */
export const loadLibrary = () => import('../index.js');

export async function makeApi(settings: Settings, storage: StorageAdapter, extra: Partial<ApiOptions>): Promise<Api> {
  const { Api: ApiClass, ...policies } = await loadLibrary();
  const { deviceId, apiKey, baseUrl } = settings;
  const { autoPush, ...options } = makeOptions(settings.options, policies);
  const pace = extra.autoPush ? { autoPush: (autoPush ?? true) as ApiOptions['autoPush'] } : {};
  return new ApiClass({
    ...options,
    ...extra,
    ...pace,
    deviceId,
    apiKey,
    baseUrl,
    storage,
    onRefusedCredentials: 'keep',
  });
}

/** Makes requests only: the folder is not touched. */
export async function withServer<Result>(call: Call, run: (api: Api) => Promise<Result>): Promise<Result> {
  const { memoryStorage } = await loadLibrary();
  const api = await makeApi(call.settings(), memoryStorage(), {});
  try {
    return await run(api);
  } finally {
    await api.close();
  }
}
