import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PAGE = 'docs/web.md';
const TAG = /(<script src="https:\/\/unpkg\.com\/nikdev-iot)@[^/]+(\/dist\/index\.umd\.js"\s+integrity=")[^"]+(")/;

/**
 * Pins the script tag of a page to a version and the hash of its file, so that a browser runs no other content.
 *
 * @param {string} page
 * @param {string} version
 * @param {Buffer} script - The file of this version.
 * @returns {string} The page.
 */
export function pinScriptTag(page, version, script) {
  const integrity = `sha384-${createHash('sha384').update(script).digest('base64')}`;
  if (!TAG.test(page)) throw new Error('The page has no script tag with a version and integrity.');
  return page.replace(TAG, (_, before, between, after) => `${before}@${version}${between}${integrity}${after}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = (path) => new URL(`../${path}`, import.meta.url);
  const page = readFileSync(file(PAGE), 'utf8');
  const { version } = JSON.parse(readFileSync(file('package.json'), 'utf8'));
  const pinned = pinScriptTag(page, version, readFileSync(file('dist/index.umd.js')));
  if (!process.argv.includes('--check')) writeFileSync(file(PAGE), pinned);
  else if (pinned !== page) {
    console.error('The script tag of docs/web.md is not that of the built file: run node build/script-tag.mjs.');
    process.exitCode = 1;
  }
}
