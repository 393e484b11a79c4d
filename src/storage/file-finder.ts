import { join } from 'node:path';
import type { Clock } from '../core/clock.js';
import { codeOf } from './file-io.js';
import { fateOf, parseName } from './file-owner.js';
import type { FilePlatform } from './file-system.js';

/** The living touch their files this often; one whose owner can't be looked up is dead after three times as long. */
export const TOUCH_MS = 60_000;
const SILENT_MS = 3 * TOUCH_MS;

/** A journal that nobody living owns. */
export interface DeadFile {
  readonly path: string;
  readonly file: string;
  /** Changes whenever the file does. */
  readonly signature: string;
}

/** A file whose owner can't be looked up. */
interface Watched {
  readonly signature: string;
  /** When it was looked at last, on this run's monotonic clock. */
  readonly seen: number;
  /** For how long it has been watched without a change, in milliseconds. */
  readonly silent: number;
}

/** Finds the journals in a folder that dead runs left. */
export class FileFinder {
  readonly #platform: FilePlatform;
  readonly #directory: string;
  #watched = new Map<string, Watched>();

  constructor(platform: FilePlatform, directory: string) {
    this.#platform = platform;
    this.#directory = directory;
  }

  /** @param self - This process, as it stands in names. @param isOwn - Whether a file is one of the asking store's. Throws if it can't look. */
  find(clock: Clock, self: string, isOwn: (file: string) => boolean): DeadFile[] {
    const names = this.#names();
    const before = this.#watched;
    this.#watched = new Map();
    const dead: DeadFile[] = [];
    for (const name of names) {
      const parsed = parseName(name);
      if (parsed === undefined || isOwn(parsed.file) || parsed.owner === self) continue;
      const path = join(this.#directory, name);
      const signature = this.signatureOf(path);
      if (signature === undefined) continue;
      const { owner, file } = parsed;
      const fate = owner === undefined ? 'dead' : fateOf(this.#platform, owner, self);
      // One that lives may say nothing for as long as it is stopped.
      if (fate === 'alive') continue;
      const isDead = fate === 'dead' || this.#watch(name, signature, clock.monotonic(), before.get(name)) >= SILENT_MS;
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

  /** @returns For how long the file has been silent, in milliseconds. */
  #watch(name: string, signature: string, now: number, last: Watched | undefined): number {
    // A long gap between two looks says that this process was stopped, and the owner may have been too.
    const silent = last?.signature === signature ? last.silent + Math.min(now - last.seen, TOUCH_MS) : 0;
    this.#watched.set(name, { signature, seen: now, silent });
    return silent;
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
