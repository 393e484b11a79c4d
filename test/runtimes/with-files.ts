import { Api } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import { commitEach } from '../support/builders/api.js';
import { credentials } from '../support/builders/credentials.js';
import { start as startEverywhere } from './everywhere.js';
import { fileSuite } from './file-suite.js';
import type { Report } from './runner.js';

/**
 * All that holds in every runtime that has files.
 *
 * @param folder - Where {@link commitAndDie} has committed, and a process that is still alive.
 */
export function start(serverUrl: string, folder: string): Promise<Report> {
  fileSuite(folder);
  return startEverywhere(serverUrl);
}

/** Commits 1 and 2, and ends as by a crash. */
export function commitAndDie(folder: string): void {
  commitEach(new Api({ ...credentials, storage: fileStorage(folder) }), 1, 2);
  process.kill(process.pid, 'SIGKILL');
}

/** Commits a value that is pushed only if the `Api` learns that the process ends. @param field - In which. */
export function commitLast(serverUrl: string, field: string): void {
  const api = new Api({ ...credentials, baseUrl: `${serverUrl}/api/v1/`, autoPush: { everySeconds: 3600 } });
  api.addValue(field, true);
  api.commit();
}
