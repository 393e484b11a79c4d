import { start as startEverywhere } from './everywhere.js';
import { fileSuite } from './file-suite.js';

/** All that holds in every runtime that has files. */
export function start(serverUrl: string): ReturnType<typeof startEverywhere> {
  fileSuite();
  return startEverywhere(serverUrl);
}
