import { join } from 'node:path';
import type { Clock } from '../../../core/time/clock.js';
import { FailureDetector } from '../../shared/failure-detector.js';
import { codeOf } from '../journal/file-io.js';
import type { FilePlatform } from '../journal/file-system.js';
import { parseName } from '../journal/journal-name.js';
import { ownerStatus } from './process-identity.js';

/** A journal that nobody living owns. */
export interface OrphanFile {
  readonly path: string;
  readonly file: string;
  /** Changes whenever the file does. */
  readonly signature: string;
}

/** Finds the journals in a folder that dead runs left. */
export class OrphanFinder {
  readonly #platform: FilePlatform;
  readonly #directory: string;
  readonly #silence = new FailureDetector();

  constructor(platform: FilePlatform, directory: string) {
    this.#platform = platform;
    this.#directory = directory;
  }

  /**
   * Looks once. Throws if it can't.
   *
   * @param self - The store that asks, as it stands in names.
   * @param isOwn - Whether it has a file open: any other in its name is one that it left behind.
   */
  find(clock: Clock, self: string, isOwn: (file: string) => boolean): OrphanFile[] {
    const names = this.#names();
    this.#silence.beginRound();
    const dead: OrphanFile[] = [];
    for (const name of names) {
      const parsed = parseName(name);
      if (parsed === undefined || isOwn(parsed.file)) continue;
      const path = join(this.#directory, name);
      const signature = this.signatureOf(path);
      if (signature === undefined) continue;
      const { owner, file } = parsed;
      const isReleased = owner === undefined || owner === self;
      const status = isReleased ? 'dead' : ownerStatus(this.#platform, owner, self);
      // One that lives may say nothing for as long as it is stopped.
      if (status === 'alive') continue;
      const isDead = status === 'dead' || this.#silence.isDead(name, signature, clock.monotonic());
      if (isDead) dead.push({ path, file, signature });
    }
    return dead;
  }

  /** Whether a file stands here under the name of nobody, or of an owner other than `self`. Throws if it can't look. */
  isElsewhere(file: string, self: string): boolean {
    return this.#names().some((name) => {
      const parsed = parseName(name);
      return parsed?.file === file && parsed.owner !== self;
    });
  }

  /** @returns `undefined` if there is no such file. */
  signatureOf(path: string): string | undefined {
    try {
      const { ino, size, mtimeMs } = this.#platform.fs.statSync(path);
      return `${ino} ${size} ${mtimeMs}`;
    } catch {
      return undefined;
    }
  }

  #names(): string[] {
    try {
      return this.#platform.fs.readdirSync(this.#directory);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }
}
