import { Api } from 'nikdev-iot';
import { createEmulator } from 'nikdev-iot/emulator';
import { openApi } from '../support/builders/api.js';
import { API_KEY, credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { apiSuite } from './api-suite.js';
import { conformanceSuite } from './conformance-suite.js';
import { httpSuite } from './http-suite.js';
import { memorySuite } from './memory-suite.js';
import { type Report, run } from './runner.js';

/**
 * All that holds in every runtime.
 *
 * @param serverUrl - Where an emulator is served.
 */
export function start(serverUrl: string): Promise<Report> {
  conformanceSuite();
  memorySuite();
  apiSuite();
  httpSuite(serverUrl);
  return run();
}

const emulator = createEmulator({
  devices: [{ deviceId: DEVICE_ID, apiKeys: [{ key: API_KEY, read: true, write: true }] }],
});
/** Made while the module is loaded, where a worker runtime allows neither timers nor random numbers. */
const loaded = new Api({ ...credentials, fetch: emulator.fetch });

/** Commits and pushes with an `Api` that was made while the module was loaded. @returns How many were pushed. */
export async function pushLoaded(): Promise<number> {
  loaded.addValue('loaded', 1);
  return (await loaded.commitAndPush()).pushed;
}

let shared: ReturnType<typeof openApi> | undefined;

/** Commits and pushes with one `Api` of the module, as a worker does in each of its requests. @returns How many were pushed. */
export async function pushShared(serverUrl: string): Promise<number> {
  shared ??= openApi({ baseUrl: `${serverUrl}/slow/api/v1/` });
  shared.addValue('shared', 1);
  return (await shared.commitAndPush()).pushed;
}
