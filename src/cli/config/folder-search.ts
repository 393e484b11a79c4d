import { lstatSync, type Stats } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { isOwn } from './config-file.js';

export const FOLDER = '.nikdev-iot';

/**
 * Looks for a folder of readings in the working folder and above it, as git does. The search ends at the home folder and at the
 * border of a file system, and passes over folders of other users: whoever may write to a folder further up could plant one there.
 *
 * @returns `undefined` if there is none.
 */
export function findFolder(from: string, home = homedir()): string | undefined {
  const device = statsOf(from)?.dev;
  const end = resolve(home);
  for (let place = resolve(from); ; place = dirname(place)) {
    const stats = statsOf(place);
    if (stats?.dev !== device) return undefined;
    const folder = join(place, FOLDER);
    if (isOwnFolder(statsOf(folder))) return folder;
    if (place === end || place === dirname(place)) return undefined;
  }
}

const statsOf = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });

const isOwnFolder = (stats: Stats | undefined): boolean => stats?.isDirectory() === true && isOwn(stats.uid);
