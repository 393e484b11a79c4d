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

/** The reason not to use a folder; `undefined` if it may be used, or is not there. */
export function problemOfFolder(folder: string): string | undefined {
  const stats = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isDirectory()) return stats.isSymbolicLink() ? 'is a link' : 'is not a folder';
  if (!isOwn(stats.uid)) return 'belongs to another user';
  return HAS_USERS && (stats.mode & WRITABLE_BY_OTHERS) !== 0 ? OPEN_FOLDER : undefined;
}

/** The problem of an own folder, which `init` solves. */
export const OPEN_FOLDER = 'may be written to by other users';

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

/**
 * Whether a configuration that can't be read may be replaced by a new one: it is this user's file, or a link to another one,
 * which stays.
 */
export function isReplaceable(folder: string): boolean {
  const stats = fs.lstatSync(join(folder, CONFIG), { throwIfNoEntry: false });
  return stats !== undefined && isOwn(stats.uid) && (stats.isFile() || stats.isSymbolicLink());
}

function readText(path: string): string | undefined {
  const fd = open(path);
  if (fd === undefined) return undefined;
  try {
    const stats = fs.fstatSync(fd);
    const [problem, advice] = problemOf(stats, path) ?? [];
    if (problem !== undefined) throw usage(`${path} ${problem}`, advice);
    if (stats.size > MAX_BYTES)
      throw usage(`${path} is too long for a configuration (at most ${MAX_BYTES} bytes)`, CORRECT_IT);
    return fs.readFileSync(fd, 'utf8');
  } finally {
    fs.closeSync(fd);
  }
}

function open(path: string): number | undefined {
  const stats = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (stats.isSymbolicLink())
    throw usage(`${path} is a link`, 'Replace it with the file itself, or run nikdev-iot init again.');
  try {
    return fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    throw usage(`${path} can't be opened (${codeWord(error)})`, `Check its owner and permissions. ${removeIt(path)}`);
  }
}

const CORRECT_IT = 'Correct it, or run nikdev-iot init again.';
const removeIt = (path: string): string => `Run rm ${path}, then nikdev-iot init.`;

function problemOf(stats: fs.Stats, path: string): readonly [problem: string, advice: string] | undefined {
  if (!stats.isFile()) return ['is not a regular file', 'Remove it, then run nikdev-iot init.'];
  if (!isOwn(stats.uid)) return ['belongs to another user', removeIt(path)];
  if (stats.nlink > 1)
    return [
      'has another name elsewhere (a hard link)',
      'Run nikdev-iot init again, and replace the API key if others have had access.',
    ];
  if (!HAS_USERS || (stats.mode & OPEN_TO_OTHERS) === 0) return undefined;
  return [
    `may be used by other users (its mode is ${(stats.mode & 0o777).toString(8).padStart(4, '0')})`,
    `Run chmod 600 ${path}, or nikdev-iot init again, and replace the API key if others have had access.`,
  ];
}

const TYPES = { deviceId: 'string', apiKey: 'string', baseUrl: 'string', insecureHttp: 'boolean' } as const;

/** Editors and PowerShell on Windows write one. */
const BYTE_ORDER_MARK = /^\uFEFF/;

function parse(text: string, path: string): Config {
  let given: unknown;
  try {
    given = JSON.parse(text.replace(BYTE_ORDER_MARK, ''));
  } catch {
    // The parser's message shows a part of the text, which may be the key.
    throw usage(`${path} is not JSON`, CORRECT_IT);
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw usage(`${path} must contain a JSON object`, CORRECT_IT);
  const config: Record<string, unknown> = {};
  const options: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(CONFIG_OPTIONS, name)) options[name] = value;
    else if (!Object.hasOwn(TYPES, name)) throw usage(unknownName(name, path), CORRECT_IT);
    else if (typeof value !== TYPES[name as keyof typeof TYPES])
      throw usage(`${name} in ${path} must be a ${TYPES[name as keyof typeof TYPES]}`, CORRECT_IT);
    else config[name] = value;
  }
  return { ...config, options };
}

const unknownName = (name: string, path: string): string =>
  `${path} holds ${JSON.stringify(name.slice(0, 60))}, which is not known; known are ${[...Object.keys(TYPES), ...Object.keys(CONFIG_OPTIONS)].join(', ')}`;
