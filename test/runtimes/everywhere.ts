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
