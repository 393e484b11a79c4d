import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/definitions.js';
import { type Consumer, installPacked } from '../support/package/installed-package.js';

const root = new URL('../../', import.meta.url);

let consumer: Consumer;
beforeAll(async () => {
  consumer = await installPacked('npm install nikdev-iot');
}, 120_000);
afterAll(() => consumer?.remove());

describe('the command of the installed package', () => {
  test('holds all that it runs, and needs no other package', () => {
    const folder = new URL('dist/cli/', root);
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.cjs'))) {
      const code = readFileSync(new URL(file, folder), 'utf8');
      const names = [...code.matchAll(/\brequire\([`'"]([^`'"]+)[`'"]\)/g)].map(([, name = '']) => name);
      expect(names.filter((name) => !name.startsWith('node:') && !/^\.\.?\/[\w-]+\.cjs$/.test(name))).toEqual([]);
    }
  });

  test('is not loaded with the library', () => {
    for (const file of ['index', 'node', 'emulator']) {
      for (const format of ['js', 'cjs']) {
        expect(readFileSync(new URL(`dist/${file}.${format}`, root), 'utf8')).not.toMatch(/cli\/|commander/);
      }
    }
    const script =
      "await import('nikdev-iot'); await import('nikdev-iot/node'); console.log(Object.keys(require.cache).join())";
    const loaded = execFileSync(
      process.execPath,
      [
        '--input-type=commonjs',
        '-e',
        `(async () => { require('nikdev-iot'); require('nikdev-iot/node'); ${script} })()`,
      ],
      {
        cwd: consumer.folder,
      },
    ).toString();
    expect(loaded).not.toMatch(/\/cli\//);
  });

  test('loads of its commands only the one that is called', () => {
    const main = readFileSync(new URL('dist/cli/cli.cjs', root), 'utf8');
    const lazy = [...main.matchAll(/\{ ?return require\([`'"]\.\/([\w-]+)\.cjs[`'"]\)/g)].map(([, name]) => name);
    const all = [...main.matchAll(/require\([`'"]\.\/([\w-]+)\.cjs[`'"]\)/g)].map(([, name]) => name);
    expect(lazy.sort()).toEqual(['library', ...COMMANDS.map(({ name }) => name)].sort());
    expect(all.filter((name) => !lazy.includes(name))).toEqual([]);
    expect(main).not.toMatch(/node:(?:http|child_process|crypto|zlib)/);
  });

  test('ships the notices of what it bundles', () => {
    const notices = readFileSync(new URL('dist/cli/THIRD-PARTY-LICENSES.txt', root), 'utf8');
    expect(notices).toMatch(/^commander \d+\.\d+\.\d+ \(MIT\)$/m);
    const licence = readFileSync(new URL('node_modules/commander/LICENSE', root), 'utf8');
    expect(notices).toContain(licence.trim());
  });
});
