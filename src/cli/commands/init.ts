import { join, resolve } from 'node:path';
import { type Call, textOf } from '../command.js';
import { problemOfFolder, readConfig } from '../config/config-file.js';
import { writeConfig } from '../config/config-writer.js';
import { FOLDER } from '../config/folder-search.js';
import { ask, readKeyFromInput } from '../config/secret.js';
import { DEFAULT_URL, originOf, readVariables, refuseInsecure } from '../config/settings.js';
import { EXIT, type ExitCode, usage } from '../exit.js';
import { Folder } from '../folder/folder.js';

export async function run(call: Call): Promise<ExitCode> {
  const { environment, options, out, isJson } = call;
  const variables = readVariables(environment.env);
  const folder =
    variables.folder === undefined
      ? join(environment.workingFolder, FOLDER)
      : resolve(environment.workingFolder, variables.folder);
  const problem = problemOfFolder(folder);
  if (problem !== undefined) throw usage(`${folder} ${problem}`, 'Choose a folder of your own.');
  const before = readConfig(folder);
  const isAsking = process.stdin.isTTY === true;
  const deviceId =
    textOf(call, 'device') ??
    variables.deviceId ??
    (isAsking ? await ask('Device ID: ', { isSecret: false }) : undefined);
  if (deviceId === undefined) throw usage('there is no Device ID', 'Pass it with --device, or set NIKDEV_DEVICE_ID.');
  const apiKey =
    variables.apiKey ?? (isAsking ? await ask('API key (not shown): ', { isSecret: true }) : readKeyFromInput());
  const baseUrl = await urlOf(textOf(call, 'url') ?? variables.baseUrl, isAsking);
  const insecureHttp = options['insecureHttp'] === true;
  originOf(baseUrl);
  refuseInsecure(baseUrl, insecureHttp);
  await check({ deviceId, apiKey, baseUrl });
  writeConfig(folder, {
    deviceId,
    apiKey,
    baseUrl,
    ...(insecureHttp && { insecureHttp }),
    options: before?.options ?? {},
  });
  // A failure of other credentials, or of another server, says nothing about these.
  new Folder(folder).pushState.clear();
  if (isJson) out.json({ folder });
  else out.line(`Saved in ${folder}. Try: nikdev-iot test`);
  return EXIT.ok;
}

async function urlOf(given: string | undefined, isAsking: boolean): Promise<string> {
  const url = given ?? (isAsking ? await ask(`URL of the server [${DEFAULT_URL}]: `, { isSecret: false }) : '');
  return url === '' ? DEFAULT_URL : url;
}

/** @throws A ConfigException that names what can't be used, and never shows the key. */
async function check(credentials: { deviceId: string; apiKey: string; baseUrl: string }): Promise<void> {
  const { Api, memoryStorage } = await import('../../index.js');
  await new Api({ ...credentials, storage: memoryStorage() }).close();
}
