import type { Clock } from '../../../core/time/clock.js';
import { FailureDetector } from '../../shared/failure-detector.js';
import { isOurs, parseName } from '../journal/journal-name.js';
import type { StoreState } from './open-journals.js';

/** A journal whose owner is dead, or that has none. */
export interface OrphanFile {
  readonly path: string;
  readonly file: string;
  /** Changes whenever the file does. */
  readonly signature: string;
}

/** Finds the journals of dead stores in the folder. */
export class OrphanFinder {
  readonly #state: StoreState;
  readonly #detector = new FailureDetector();

  constructor(state: StoreState) {
    this.#state = state;
  }

  /** Scans the folder. Throws if it can't be read. */
  find(clock: Clock): OrphanFile[] {
    const { files, identity, journals } = this.#state;
    const names = files.folder.names();
    this.#detector.beginRound();
    const dead: OrphanFile[] = [];
    const self = identity.owner;
    for (const name of names) {
      const parsed = parseName(name);
      if (!isOurs(name) || (parsed !== undefined && journals.hasFile(parsed.file))) continue;
      const path = files.folder.pathOf(name);
      // Files that are not journals are inspected too: an untrusted file causes a warning.
      const state = files.inspect(path);
      if (!state?.isTrusted || parsed === undefined) continue;
      const { signature } = state;
      const { owner, file } = parsed;
      // A file of this store that is not open was abandoned.
      const status = owner === undefined || owner === self ? 'dead' : identity.status(owner);
      // A living process may be stopped, and show no heartbeat.
      if (status === 'alive') continue;
      const isDead = status === 'dead' || this.#detector.isDead(name, signature, clock.monotonic());
      if (isDead) dead.push({ path, file, signature });
    }
    return dead;
  }
}

/** Whether a file exists under another owner, or without an owner. Throws if the folder can't be read. */
export function isElsewhere(file: string, { files, identity }: StoreState): boolean {
  return files.folder.names().some((name) => {
    const parsed = parseName(name);
    if (parsed?.file !== file || parsed.owner === identity.owner) return false;
    return files.inspect(files.folder.pathOf(name))?.isTrusted ?? false;
  });
}
