import { join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { type Call, textOf } from '../command.js';
import { CONFIG, type Config, isReplaceable, OPEN_FOLDER, problemOfFolder, readConfig } from '../config/config-file.js';
import { writeConfig } from '../config/config-writer.js';
import { FOLDER } from '../config/folder-search.js';
import { makeOptions } from '../config/option-table.js';
import { ask, readKeyFromInput } from '../config/secret.js';
import {
  type Credentials,
  DEFAULT_URL,
  originOf,
  readVariables,
  refuseInsecure,
  type VariableNames,
  variableOf,
} from '../config/settings.js';
import { EXIT, type ExitCode, usage } from '../exit.js';
import { Folder } from '../folder/folder.js';
import { failureOf } from '../report.js';

export async function run(call: Call): Promise<ExitCode> {
  const { environment, options, out, isJson } = call;
  const variables = readVariables(environment.env);
  const folder =
    variables.folder === undefined
      ? join(environment.workingFolder, FOLDER)
      : resolve(environment.workingFolder, variables.folder);
  const before = readOptions(folder);
  // Not `process.stdin.isTTY`: that stream would make a pipe non-blocking.
  const isAsking = isatty(0);
  const deviceId =
    textOf(call, 'device') ??
    variables.deviceId ??
    (isAsking ? await ask('Device ID: ', { isSecret: false }) : undefined);
  if (deviceId === undefined) throw usage('there is no Device ID', 'Pass it with --device, or set NIKDEV_DEVICE_ID.');
  const apiKey =
    variables.apiKey ?? (isAsking ? await ask('API key (not shown): ', { isSecret: true }) : readKeyFromInput());
  if (apiKey === '')
    throw usage('there is no API key', 'Type it, pipe it, or set NIKDEV_API_KEY or NIKDEV_API_KEY_FILE.');
  const baseUrl = await urlOf(textOf(call, 'url') ?? variables.baseUrl, isAsking);
  const insecureHttp = options['insecureHttp'] === true;
  originOf(baseUrl);
  refuseInsecure(baseUrl, insecureHttp);
  const credentials = { deviceId, apiKey, baseUrl };
  await checkCredentials(credentials, usedBy(call, variables.names));
  const { options: kept, problem } = await checkOptions(before, credentials);
  if (problem !== undefined) call.err.line(`${problem}: ${CONFIG} is replaced, and its options are lost`, 'warn');
  writeConfig(folder, { ...credentials, ...(insecureHttp && { insecureHttp }), options: kept });
  // A failure of other credentials, or of another server, says nothing about these.
  new Folder(folder).pushState.removeFailure();
  if (isJson) out.json({ folder });
  else out.line(`Saved in ${folder}. Try: nikdev-iot test`);
  return EXIT.ok;
}

/** The variables that no option takes the place of. */
function usedBy(call: Call, { deviceId, apiKey, baseUrl }: VariableNames): VariableNames {
  return {
    ...(apiKey && { apiKey }),
    ...(deviceId && textOf(call, 'device') === undefined && { deviceId }),
    ...(baseUrl && textOf(call, 'url') === undefined && { baseUrl }),
  };
}

async function urlOf(given: string | undefined, isAsking: boolean): Promise<string> {
  const url = given ?? (isAsking ? await ask(`URL of the server [${DEFAULT_URL}]: `, { isSecret: false }) : '');
  return url === '' ? DEFAULT_URL : url;
}

/** The options of the configuration that is there. */
interface KeptOptions {
  readonly options: Config['options'];
  /** The reason not to keep them. */
  readonly problem?: string | undefined;
}

/** @throws A usage exception if the folder or the configuration is not this user's. */
function readOptions(folder: string): KeptOptions {
  const problem = problemOfFolder(folder);
  if (problem !== undefined && problem !== OPEN_FOLDER)
    throw usage(`${folder} ${problem}`, 'Choose a folder of your own.');
  try {
    const options = readConfig(folder)?.options ?? {};
    // Others may have put another file there.
    return problem === undefined ? { options } : { options: {}, problem: `${folder} ${problem}` };
  } catch (error) {
    if (!isReplaceable(folder)) throw error;
    return { options: {}, problem: failureOf(error).message };
  }
}

async function checkOptions(kept: KeptOptions, credentials: Credentials): Promise<KeptOptions> {
  try {
    await check(credentials, kept.options);
    return kept;
  } catch (error) {
    return { options: {}, problem: failureOf(error).message };
  }
}

/** @throws A usage exception that names what can't be used, and never shows the key. */
async function checkCredentials(credentials: Credentials, variables: VariableNames): Promise<void> {
  try {
    await check(credentials);
  } catch (error) {
    const variable = variableOf((error as Error).message, variables);
    throw usage(
      failureOf(error).message,
      variable === undefined ? 'Give it again: nikdev-iot init.' : `Correct ${variable}.`,
    );
  }
}

/** @throws A ConfigException that names what can't be used, and never shows the key. */
async function check(credentials: Credentials, options: Config['options'] = {}): Promise<void> {
  const { Api, memoryStorage, ...policies } = await import('../../index.js');
  await new Api({ ...makeOptions(options, policies), ...credentials, storage: memoryStorage() }).close();
}
