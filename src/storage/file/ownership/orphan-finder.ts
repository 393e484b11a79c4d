import { join } from 'node:path';
import type { Clock } from '../../../core/time/clock.js';
import { FailureDetector } from '../../shared/failure-detector.js';
import type { SafeFiles } from '../journal/file-system.js';
import { isOurs, parseName } from '../journal/journal-name.js';
import type { ProcessIdentity } from './process-identity.js';

/** A journal that nobody living owns. */
export interface OrphanFile {
  readonly path: string;
  readonly file: string;
  /** Changes whenever the file does. */
  readonly signature: string;
}

/** Finds the journals in a folder that dead runs left. */
export class OrphanFinder {
  readonly #files: SafeFiles;
  readonly #process: ProcessIdentity;
  readonly #silence = new FailureDetector();

  constructor(files: SafeFiles, process: ProcessIdentity) {
    this.#files = files;
    this.#process = process;
  }

  /**
   * Looks once. Throws if it can't.
   *
   * @param self - The store that asks, as it stands in names.
   * @param isOwn - Whether it has a file open: any other in its name is one that it left behind.
   */
  find(clock: Clock, self: string, isOwn: (file: string) => boolean): OrphanFile[] {
    const names = this.#files.names();
    this.#silence.beginRound();
    const dead: OrphanFile[] = [];
    for (const name of names) {
      const parsed = parseName(name);
      if (!isOurs(name) || (parsed !== undefined && isOwn(parsed.file))) continue;
      const path = join(this.#files.folder, name);
      const found = this.#files.inspect(path);
      if (!found?.isTrusted || parsed === undefined) continue;
      const { signature } = found;
      const { owner, file } = parsed;
      const isReleased = owner === undefined || owner === self;
      const status = isReleased ? 'dead' : this.#process.status(owner);
      // One that lives may say nothing for as long as it is stopped.
      if (status === 'alive') continue;
      const isDead = status === 'dead' || this.#silence.isDead(name, signature, clock.monotonic());
      if (isDead) dead.push({ path, file, signature });
    }
    return dead;
  }

  /** Whether a file stands here under the name of nobody, or of an owner other than `self`. Throws if it can't look. */
  isElsewhere(file: string, self: string): boolean {
    return this.#files.names().some((name) => {
      const parsed = parseName(name);
      if (parsed?.file !== file || parsed.owner === self) return false;
      return this.#files.inspect(join(this.#files.folder, name))?.isTrusted ?? false;
    });
  }

  /** @returns `undefined` if there is no such file. */
  signatureOf(path: string): string | undefined {
    return this.#files.inspect(path)?.signature;
  }
}
