import type { Call } from '../command.js';
import { readConfig } from '../config/config-file.js';
import { writeConfig } from '../config/config-writer.js';
import { folderOf, readVariables } from '../config/settings.js';
import { EXIT, type ExitCode } from '../exit.js';

export async function run({ environment: { env, workingFolder }, out, isJson }: Call): Promise<ExitCode> {
  const folder = folderOf(readVariables(env), workingFolder);
  const { apiKey, ...config } = readConfig(folder) ?? { options: {} };
  if (apiKey !== undefined) writeConfig(folder, config);
  if (isJson) out.json({ removed: apiKey !== undefined });
  else out.line(apiKey === undefined ? 'There is no saved API key.' : `The API key is deleted from ${folder}.`);
  return EXIT.ok;
}
