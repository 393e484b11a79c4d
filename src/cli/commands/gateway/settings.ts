import { readFileSync } from 'node:fs';
import { codeWord } from '../../../core/model/foreign-text.js';
import { show } from '../../../core/model/input.js';
import type { GatewayNatsOptions } from '../../../gateway.js';
import type { Call } from '../../command.js';
import { usage } from '../../exit.js';
import { parseCount } from '../../option-values.js';

const PREFIX = 'NIKDEV_GATEWAY_';

/** The option of a call, or its variable: `--nats-ca` or `NIKDEV_GATEWAY_NATS_CA`. */
export function settingOf({ options, environment: { env } }: Call, flag: string): string | undefined {
  const given = options[flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
  if (typeof given === 'string') return given;
  // Files of variables from Windows end their lines in CR LF.
  return given === true ? 'true' : env[variableOf(flag)]?.trim() || undefined;
}

const variableOf = (flag: string): string => PREFIX + flag.toUpperCase().replaceAll('-', '_');

const SWITCHES: ReadonlyMap<string, boolean> = new Map([
  ...['1', 'true', 'yes', 'on'].map((word) => [word, true] as const),
  ...['0', 'false', 'no', 'off'].map((word) => [word, false] as const),
]);

/** Whether a switch is on. @throws A usage exception if its variable is neither on nor off. */
export function isSet(call: Call, flag: string): boolean {
  const text = settingOf(call, flag);
  if (text === undefined) return false;
  const isOn = SWITCHES.get(text.toLowerCase());
  if (isOn === undefined)
    throw usage(`${variableOf(flag)} must be 1, true, yes or on; or 0, false, no or off; got ${show(text)}`);
  return isOn;
}

export function countOf(call: Call, flag: string, limits?: { min?: number; max?: number }): number | undefined {
  const text = settingOf(call, flag);
  return text === undefined ? undefined : parseCount(text, `--${flag}`, limits);
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

const MIN_SIZE = 1e6;
/** More would not be an exact number. */
const MAX_SIZE = 9e15;

/** `10G`, `500M` or bytes. @throws A usage exception. */
export function bytesOf(call: Call, flag: string): number | undefined {
  const text = settingOf(call, flag);
  if (text === undefined) return undefined;
  const [, digits = '', unit = ''] = /^(\d{1,15})([KMGT]?)$/i.exec(text) ?? [];
  const size = digits === '' ? Number.NaN : Number(digits) * (UNITS[unit.toUpperCase()] ?? 1);
  if (size >= MIN_SIZE && size <= MAX_SIZE) return size;
  throw usage(`--${flag} must be like 10G or 500M, from 1M to 9000T, got ${show(text)}`);
}

/** The text of the file that an option names. */
export function fileOf(call: Call, flag: string): string | undefined {
  const path = settingOf(call, flag);
  return path === undefined ? undefined : readText(path, `--${flag}`);
}

/**
 * A secret is never an argument, because other users can see arguments: a variable, which is removed, or the file that `…_FILE`
 * names. Blanks and line ends around it are removed.
 */
export function secretOf({ environment: { env } }: Call, name: string): string | undefined {
  const [variable, file] = [PREFIX + name, `${PREFIX}${name}_FILE`];
  const [text, path] = [env[variable]?.trim(), env[file]?.trim()];
  if (text && path) throw usage(`${variable} and ${file} are both set`, 'Unset one of them.');
  delete env[variable];
  return text || (path ? readText(path, file).trim() : undefined);
}

function readText(path: string, source: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usage(`the file of ${source} can't be read (${codeWord(error)})`);
  }
}

/** How to reach the cluster. */
export function natsOf(call: Call): GatewayNatsOptions {
  const servers = settingOf(call, 'nats')
    ?.split(',')
    .map((server) => server.trim());
  return {
    servers,
    user: settingOf(call, 'nats-user'),
    password: secretOf(call, 'NATS_PASSWORD'),
    credentials: fileOf(call, 'nats-credentials'),
    ca: fileOf(call, 'nats-ca'),
    cert: fileOf(call, 'nats-cert'),
    key: fileOf(call, 'nats-key'),
  };
}
