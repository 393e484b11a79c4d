import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const PATHS = {
  'node-18': 'node-18/bin/node',
  'node-24': 'node-24/bin/node',
  bun: '@oven/bun-linux-x64/bin/bun',
  deno: '@deno/linux-x64-glibc/deno',
};

/** The path of a program: of the runtimes, or the Node that runs this; a name with a slash is a path in the project. */
export function programPath(name, runtimes) {
  if (name.includes('/')) return name;
  return name === 'node' ? process.execPath : join(runtimes, 'node_modules', PATHS[name]);
}

/** The folder of the Node that a host runs in. */
export const nodeFolder = ({ node = 'node' }, runtimes) => dirname(programPath(node, runtimes));

/** The path of a Chromium. @throws If none is installed. */
export function findChromium() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const candidates = [process.env.CHROME_PATH, ...folders.flatMap((folder) => names.map((name) => join(folder, name)))];
  const found = candidates.find((path) => path && isExecutable(path));
  if (found === undefined)
    throw new Error('No Chromium was found: install one, or set CHROME_PATH to one that you have.');
  return found;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
