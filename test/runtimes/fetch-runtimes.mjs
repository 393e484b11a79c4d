import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const WANTED = ['package.json', 'package-lock.json'].map((name) => new URL(`versions/${name}`, import.meta.url));

/** Seconds before each further attempt: a network that fails once mostly works again soon. */
const PAUSES = [5, 20, 60];
const WORDLESS = 'npm left out what it could not get, and did not say why';

/**
 * Fetches the runtimes with npm, where they are not in the cache yet: those of Linux on x64. Failed downloads are tried
 * again a few times.
 *
 * @param isThere - Whether a folder has all the runtimes.
 * @returns The folder that they are in, outside the package; and if some are missing, why, the folder being no part of the
 *   cache then.
 */
export async function fetchRuntimes(isThere, { cache = cacheOfUser(), install = npmCi, wait = pause } = {}) {
  const hash = createHash('sha256');
  for (const file of WANTED) hash.update(readFileSync(file));
  const folder = join(cache, 'nikdev-iot-runtimes', hash.digest('hex').slice(0, 16));
  if (existsSync(folder)) return { folder, problem: '' };
  // Under its name it is whole, whoever else fetches, and whenever one is killed as it does.
  mkdirSync(dirname(folder), { recursive: true });
  const growing = mkdtempSync(`${folder}-`);
  for (const file of WANTED) copyFileSync(file, join(growing, file.pathname.split('/').at(-1)));
  console.error(`fetching the runtimes into ${folder}`);
  const problem = await installAll(growing, isThere, install, wait);
  if (!isThere(growing)) return { folder: growing, problem: problem || WORDLESS };
  if (existsSync(folder)) rmSync(growing, { recursive: true });
  else renameSync(growing, folder);
  return { folder, problem: '' };
}

const cacheOfUser = () => process.env.XDG_CACHE_HOME || join(homedir(), '.cache');

/** @returns The complaint of the last attempt that was for all runtimes. */
async function installAll(folder, isThere, install, wait) {
  let said = await install(folder, ['--include=dev']);
  for (const seconds of PAUSES) {
    if (isThere(folder)) return '';
    console.error(`not all of them came (${said || WORDLESS}), trying again in ${seconds} s`);
    await wait(seconds * 1000);
    said = await install(folder, ['--include=dev']);
  }
  // npm leaves out only optional packages. Miniflare isn't, as npm would always leave it out: it wants a newer Node.
  if (said !== '') await install(folder, ['--omit=dev']);
  return said;
}

/** @returns The complaint of npm. */
async function npmCi(folder, flags) {
  // Their scripts would only copy what is in the packages of their platforms.
  const always = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await promisify(execFile)('npm', ['ci', ...always, ...flags], { cwd: folder });
    return '';
  } catch (error) {
    return String(error.stderr || error.message).trim();
  }
}
