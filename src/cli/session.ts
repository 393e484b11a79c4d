import type { Api, ApiOptions, StorageAdapter } from '../index.js';
import type { Call } from './command.js';
import { makeOptions } from './config/option-table.js';
import { invalidConfig, type Settings } from './config/settings.js';
import { inShellWords } from './shell-words.js';

/** Loads the library, which most of the time of a start goes into, only where it is used, and before a lock is taken. */
export const loadLibrary = () => import('../index.js');

type OfCall = Pick<Call, 'settings' | 'err'>;

/** How the `Api` of a call differs from that of the configuration. */
export interface SessionOptions {
  readonly extra?: Partial<ApiOptions>;
  /** Whether warnings go to standard error. Default: `true`. */
  readonly showsWarnings?: boolean;
}

/** @throws A usage exception if the configuration can't be used. */
export async function makeApi(
  { settings, err }: OfCall,
  storage: StorageAdapter,
  { extra = {}, showsWarnings = true }: SessionOptions = {},
): Promise<Api> {
  const library = await loadLibrary();
  const api = construct(library, settings(), { ...extra, storage });
  // Without a listener, the library would show them on the console.
  api.on('warning', ({ code, message }) => {
    // Plain http is shown on the console in any case.
    if (showsWarnings && code !== 'insecure-url') err.line(`nikdev-iot: ${inShellWords(message)}`, 'warn');
  });
  return api;
}

function construct(
  { Api: ApiClass, ...policies }: Awaited<ReturnType<typeof loadLibrary>>,
  settings: Settings,
  extra: Partial<ApiOptions>,
): Api {
  const { deviceId, apiKey, baseUrl } = settings;
  const { autoPush, ...options } = makeOptions(settings.options, policies);
  const pace = extra.autoPush ? { autoPush: (autoPush ?? true) as ApiOptions['autoPush'] } : {};
  try {
    return new ApiClass({ ...options, ...extra, ...pace, deviceId, apiKey, baseUrl, onRefusedCredentials: 'keep' });
  } catch (error) {
    throw invalidConfig(error, settings);
  }
}

/** Makes requests only: the folder is not touched. */
export async function withServer<Result>(call: Call, run: (api: Api) => Promise<Result>): Promise<Result> {
  const { memoryStorage } = await loadLibrary();
  const api = await makeApi(call, memoryStorage());
  try {
    return await run(api);
  } finally {
    await api.close();
  }
}
