import { openApi } from '../support/builders/api.js';
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

let shared: ReturnType<typeof openApi> | undefined;

/** Commits and pushes with one `Api` of the module, as a worker does in each of its requests. @returns How many were pushed. */
export async function pushShared(serverUrl: string): Promise<number> {
  shared ??= openApi({ baseUrl: `${serverUrl}/slow/api/v1/` });
  shared.addValue('shared', 1);
  return (await shared.commitAndPush()).pushed;
}
