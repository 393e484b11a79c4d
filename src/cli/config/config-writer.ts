import { chmodSync, mkdirSync } from 'node:fs';
import { codeWord } from '../../core/model/foreign-text.js';
import { systemPlatform } from '../../storage/file/journal/file-system.js';
import { SafeFiles } from '../../storage/file/journal/safe-files.js';
import { notWritable, usage } from '../exit.js';
import { CONFIG, type Config, HAS_USERS, OPEN_FOLDER, problemOfFolder } from './config-file.js';

/** Writes the configuration: whole or not at all, with mode 0600. */
export function writeConfig(folder: string, config: Config): void {
  try {
    write(folder, config);
  } catch (error) {
    const code = codeWord(error);
    throw code === undefined ? error : notWritable(folder, code);
  }
}

function write(folder: string, { options, ...config }: Config): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const problem = problemOfFolder(folder);
  if (problem !== undefined && problem !== OPEN_FOLDER)
    throw usage(`${folder} ${problem}`, 'Choose a folder of your own.');
  if (HAS_USERS) chmodSync(folder, 0o700);
  const files = new SafeFiles(systemPlatform(), folder);
  replace(files, CONFIG, `${JSON.stringify({ ...config, ...options }, undefined, 2)}\n`);
  // The folder must not be committed to a repository.
  replace(files, '.gitignore', '*\n');
}

function replace(files: SafeFiles, name: string, text: string): void {
  const path = files.folder.pathOf(name);
  const { fd } = files.replace({ from: path, to: path, mode: undefined }, [text]);
  files.io.closeSync(fd);
}
