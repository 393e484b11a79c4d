import { join } from 'node:path';
import type { Clock } from '../core/clock.js';
import { isProvablyDead, parseName } from './file-owner.js';
import type { FileSystem } from './file-system.js';

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

/** Finds the journals in a folder that dead runs left. */
export class FileFinder {
  readonly #fs: FileSystem;
  readonly #directory: string;
  /** By name, for owners that can't be looked up: how the file was first seen, and when, on this run's monotonic clock. */
  #watched = new Map<string, { readonly signature: string; readonly since: number }>();

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#directory = directory;
  }

  /** @param self - This process, as it stands in names. @param isOwn - Whether a file is one of the asking store's. */
  find(clock: Clock, self: string, isOwn: (file: string) => boolean): DeadFile[] {
    const watched = this.#watched;
    this.#watched = new Map();
    const dead: DeadFile[] = [];
    for (const name of this.#names()) {
      const parsed = parseName(name);
      if (parsed === undefined || isOwn(parsed.file)) continue;
      const path = join(this.#directory, name);
      const signature = this.#signature(path);
      if (signature === undefined) continue;
      const seen = watched.get(name);
      const since = seen?.signature === signature ? seen.since : clock.monotonic();
      this.#watched.set(name, { signature, since });
      const { owner, file } = parsed;
      const isDead =
        owner === undefined ||
        isProvablyDead(this.#fs, owner, self) ||
        (owner !== self && clock.monotonic() - since >= SILENT_MS);
      if (isDead) dead.push({ path, file, signature });
    }
    return dead;
  }

  #names(): string[] {
    try {
      return this.#fs.readdirSync(this.#directory);
    } catch {
      return [];
    }
  }

  #signature(path: string): string | undefined {
    try {
      const { ino, size, mtimeMs } = this.#fs.statSync(path);
      return `${ino} ${size} ${mtimeMs}`;
    } catch {
      return undefined;
    }
  }
}
