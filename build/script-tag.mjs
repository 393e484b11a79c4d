import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const TAG = /(<script src="https:\/\/unpkg\.com\/nikdev-iot)@[^/]+(\/dist\/index\.umd\.js"\s+integrity=")[^"]+(")/;

/**
 * Pins the script tag of the README to a version and the hash of its file, so that a browser runs no other content.
 *
 * @param {string} readme
 * @param {string} version
 * @param {Buffer} script - The file of this version.
 * @returns {string} The README.
 */
export function pinScriptTag(readme, version, script) {
  const integrity = `sha384-${createHash('sha384').update(script).digest('base64')}`;
  if (!TAG.test(readme)) throw new Error('README.md has no script tag with a version and integrity.');
  return readme.replace(TAG, (_, before, between, after) => `${before}@${version}${between}${integrity}${after}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = (path) => new URL(`../${path}`, import.meta.url);
  const readme = readFileSync(file('README.md'), 'utf8');
  const { version } = JSON.parse(readFileSync(file('package.json'), 'utf8'));
  const pinned = pinScriptTag(readme, version, readFileSync(file('dist/index.umd.js')));
  if (!process.argv.includes('--check')) writeFileSync(file('README.md'), pinned);
  else if (pinned !== readme) {
    console.error('The script tag of README.md is not that of the built file: run node build/script-tag.mjs.');
    process.exitCode = 1;
  }
}
