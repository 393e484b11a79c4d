import { join, resolve } from 'node:path';
import { isInsecure } from '../../core/model/base-url.js';
import { usage } from '../exit.js';
import { inShellWords } from '../shell-words.js';
import { CONFIG, type Config, OPEN_FOLDER, problemOfFolder, readConfig } from './config-file.js';
import { FOLDER, findFolder } from './folder-search.js';
import { readKeyFile } from './secret.js';

export const DEFAULT_URL = 'https://iot.nik-dev.se/api/v1/';

/** The environment of a call. */
export interface CallEnvironment {
  readonly env: NodeJS.ProcessEnv;
  readonly workingFolder: string;
}

/** The folder and the device of a call. */
export interface Settings {
  readonly folder: string;
  readonly deviceId: string;
  readonly apiKey: string;
  readonly baseUrl: string;
  /** See {@link Config.options}. */
  readonly options: Readonly<Record<string, unknown>>;
  /** See {@link Variables.names}. */
  readonly variables: VariableNames;
}

/** The credentials of requests, and the address that they go to. */
export type Credentials = Pick<Settings, 'deviceId' | 'apiKey' | 'baseUrl'>;

/** The variables that credentials come from, by the name of the credential. */
export type VariableNames = Readonly<Partial<Record<keyof Credentials, string>>>;

/** The variables of the environment that win over the configuration. */
interface Variables {
  readonly folder: string | undefined;
  readonly deviceId: string | undefined;
  readonly apiKey: string | undefined;
  readonly baseUrl: string | undefined;
  /** Those that are set. */
  readonly names: VariableNames;
}

/** Reads the variables, and removes the key from the environment, which child processes would inherit. */
export function readVariables(env: NodeJS.ProcessEnv): Variables {
  const { NIKDEV_DEVICE_ID, NIKDEV_API_KEY, NIKDEV_API_KEY_FILE, NIKDEV_URL, NIKDEV_DIR } = env;
  if (NIKDEV_API_KEY && NIKDEV_API_KEY_FILE)
    throw usage('NIKDEV_API_KEY and NIKDEV_API_KEY_FILE are both set', 'Unset one of them.');
  delete env['NIKDEV_API_KEY'];
  return {
    folder: NIKDEV_DIR || undefined,
    deviceId: NIKDEV_DEVICE_ID || undefined,
    apiKey: NIKDEV_API_KEY || (NIKDEV_API_KEY_FILE ? readKeyFile(NIKDEV_API_KEY_FILE) : undefined),
    baseUrl: NIKDEV_URL || undefined,
    names: {
      ...(NIKDEV_DEVICE_ID && { deviceId: 'NIKDEV_DEVICE_ID' }),
      ...((NIKDEV_API_KEY || NIKDEV_API_KEY_FILE) && {
        apiKey: NIKDEV_API_KEY ? 'NIKDEV_API_KEY' : 'NIKDEV_API_KEY_FILE',
      }),
      ...(NIKDEV_URL && { baseUrl: 'NIKDEV_URL' }),
    },
  };
}

/**
 * Finds the folder and the credentials of a call.
 *
 * @param insecureHttp - Whether plain http to another machine is allowed.
 * @throws A usage exception if one is missing or can't be used.
 */
export function readSettings({ env, workingFolder }: CallEnvironment, insecureHttp: boolean): Settings {
  const variables = readVariables(env);
  const folder = folderOf(variables, workingFolder);
  const config: Config = readConfig(folder) ?? { options: {} };
  const deviceId = variables.deviceId ?? config.deviceId;
  if (deviceId === undefined) throw missing('Device ID', 'NIKDEV_DEVICE_ID');
  const baseUrl = variables.baseUrl ?? config.baseUrl ?? DEFAULT_URL;
  const apiKey = keyFor(baseUrl, variables, config);
  const isInsecureAllowed = insecureHttp || (variables.baseUrl === undefined && config.insecureHttp === true);
  refuseInsecure(baseUrl, isInsecureAllowed);
  return { folder, deviceId, apiKey, baseUrl, options: config.options, variables: variables.names };
}

/** The folder of a call: one that is there, or, where the environment has the credentials, one that will be made. */
export function folderOf(variables: Variables, workingFolder: string): string {
  const found = variables.folder === undefined ? findFolder(workingFolder) : resolve(workingFolder, variables.folder);
  const folder = found ?? join(workingFolder, FOLDER);
  if (found === undefined && (variables.deviceId === undefined || variables.apiKey === undefined)) {
    throw usage(
      `there is no ${FOLDER} in ${workingFolder} or above`,
      'Run nikdev-iot init, or set NIKDEV_DEVICE_ID and NIKDEV_API_KEY.',
    );
  }
  const problem = problemOfFolder(folder);
  if (problem === OPEN_FOLDER)
    throw usage(`${folder} ${problem}`, `Run chmod 700 ${folder}, or nikdev-iot init again.`);
  if (problem !== undefined) throw usage(`${folder} ${problem}`, 'Use a folder of this user only, with mode 0700.');
  return folder;
}

/** A key goes to the origin that it was given for, and to no other: a configuration may have been planted. */
function keyFor(baseUrl: string, variables: Variables, config: Config): string {
  const target = originOf(baseUrl);
  if (variables.apiKey !== undefined) {
    if (target === originOf(variables.baseUrl ?? DEFAULT_URL)) return variables.apiKey;
    throw usage(
      `the API key of the environment is not sent to ${target}, which only the configuration names`,
      `Set NIKDEV_URL as well, if it is for ${target}.`,
    );
  }
  if (config.apiKey === undefined) throw missing('API key', 'NIKDEV_API_KEY or NIKDEV_API_KEY_FILE');
  if (target === originOf(config.baseUrl ?? DEFAULT_URL)) return config.apiKey;
  throw usage(
    `the API key of the configuration is for ${originOf(config.baseUrl ?? DEFAULT_URL)} and is not sent to ${target}`,
    'Run nikdev-iot init for that server, or set NIKDEV_API_KEY as well as NIKDEV_URL.',
  );
}

/** @throws A usage exception unless `url` is one of http or https. */
export function originOf(url: string): string {
  try {
    const { protocol, origin } = new URL(url);
    if (protocol === 'http:' || protocol === 'https:') return origin;
  } catch {
    // The message follows.
  }
  throw usage('the URL of the server must be an http or https URL, such as https://iot.nik-dev.se/api/v1/');
}

/** @throws A usage exception for plain http to another machine, which shows the key to the network. */
export function refuseInsecure(baseUrl: string, isAllowed: boolean): void {
  if (isAllowed || !isInsecure(baseUrl)) return;
  throw usage(
    `${originOf(baseUrl)} is plain http: anyone on the way can read the API key`,
    'Use https, or allow it with --insecure-http.',
  );
}

/** Adds to the exception for an invalid option where the option is set. @returns A usage exception; other errors unchanged. */
export function invalidConfig(error: unknown, { folder, variables }: Pick<Settings, 'folder' | 'variables'>): unknown {
  const { name, message } = error as Error;
  if (name !== 'ConfigException') return error;
  const variable = variableOf(message, variables);
  return usage(inShellWords(message), `Correct ${variable ?? `it in ${join(folder, CONFIG)}`}.`);
}

/** @returns The variable that holds the invalid credential that a message of the library begins with. */
export const variableOf = (message: string, names: VariableNames): string | undefined =>
  names[(/^\w+/.exec(message)?.[0] ?? '') as keyof Credentials];

const missing = (what: string, variable: string) =>
  usage(`there is no ${what}`, `Run nikdev-iot init, or set ${variable}.`);
