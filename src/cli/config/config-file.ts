import * as fs from 'node:fs';
import { join } from 'node:path';
import { codeWord } from '../../core/model/foreign-text.js';
import { usage } from '../exit.js';
import { CONFIG_OPTIONS } from './option-table.js';

export const CONFIG = 'config.json';

const MAX_BYTES = 64 * 1024;
const OPEN_TO_OTHERS = 0o077;
const WRITABLE_BY_OTHERS = 0o022;
const {
  O_NOFOLLOW = 0,
  O_NONBLOCK = 0,
  O_RDONLY,
} = fs.constants as typeof fs.constants & Partial<Record<'O_NOFOLLOW' | 'O_NONBLOCK', number>>;
export const HAS_USERS = process.getuid !== undefined;

/** The configuration, as the file has it: the API key belongs to the origin of `baseUrl`. */
export interface Config {
  readonly deviceId?: string;
  readonly apiKey?: string;
  readonly baseUrl?: string;
  /** Whether `baseUrl` may be plain http to another machine. */
  readonly insecureHttp?: boolean;
  /** See {@link CONFIG_OPTIONS}. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Whether a user id is that of this process; always so on systems without users. */
export const isOwn = (uid: number): boolean => !HAS_USERS || uid === process.getuid?.();

/** Why a folder is not to be used; `undefined` if it may be, or is not there. */
export function problemOfFolder(folder: string): string | undefined {
  const stats = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isDirectory()) return stats.isSymbolicLink() ? 'is a link' : 'is not a folder';
  if (!isOwn(stats.uid)) return 'belongs to another user';
  return HAS_USERS && (stats.mode & WRITABLE_BY_OTHERS) !== 0 ? 'may be written to by other users' : undefined;
}

/**
 * Reads the configuration of a folder, if it has one.
 *
 * @throws A usage exception if the file is not this user's only, or holds anything but a configuration. It never shows contents.
 */
export function readConfig(folder: string): Config | undefined {
  const path = join(folder, CONFIG);
  const text = readText(path);
  return text === undefined ? undefined : parse(text, path);
}

function readText(path: string): string | undefined {
  const fd = open(path);
  if (fd === undefined) return undefined;
  try {
    const stats = fs.fstatSync(fd);
    const problem = problemOf(stats);
    if (problem !== undefined)
      throw usage(
        `${path} ${problem}`,
        'Run nikdev-iot init again, and replace the API key if others have had access.',
      );
    if (stats.size > MAX_BYTES) throw usage(`${path} is too long for a configuration (at most ${MAX_BYTES} bytes)`);
    return fs.readFileSync(fd, 'utf8');
  } finally {
    fs.closeSync(fd);
  }
}

function open(path: string): number | undefined {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (stats.isSymbolicLink()) throw usage(`${path} is a link`, 'Replace it with the file itself.');
  try {
    return fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    throw usage(`${path} can't be opened (${codeWord(error)})`);
  }
}

function problemOf(stats: fs.Stats): string | undefined {
  if (!stats.isFile()) return 'is not a regular file';
  if (!isOwn(stats.uid)) return 'belongs to another user';
  if (stats.nlink > 1) return 'has another name elsewhere (a hard link)';
  if (HAS_USERS && (stats.mode & OPEN_TO_OTHERS) !== 0) {
    return `may be used by other users (its mode is ${(stats.mode & 0o777).toString(8).padStart(4, '0')}; chmod 600 it)`;
  }
  return undefined;
}

const TYPES = { deviceId: 'string', apiKey: 'string', baseUrl: 'string', insecureHttp: 'boolean' } as const;

function parse(text: string, path: string): Config {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    // The parser's message shows a part of the text, which may be the key.
    throw usage(`${path} is not JSON`, 'Correct it, or run nikdev-iot init again.');
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw usage(`${path} must contain a JSON object`);
  const config: Record<string, unknown> = {};
  const options: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(CONFIG_OPTIONS, name)) options[name] = value;
    else if (!Object.hasOwn(TYPES, name)) throw usage(unknownName(name, path));
    else if (typeof value !== TYPES[name as keyof typeof TYPES])
      throw usage(`${name} in ${path} must be a ${TYPES[name as keyof typeof TYPES]}`);
    else config[name] = value;
  }
  return { ...config, options };
}

const unknownName = (name: string, path: string): string =>
  `${path} holds ${JSON.stringify(name.slice(0, 60))}, which is not known; known are ${[...Object.keys(TYPES), ...Object.keys(CONFIG_OPTIONS)].join(', ')}`;
