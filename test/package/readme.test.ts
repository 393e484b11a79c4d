import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');
const blocks = [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({
  language,
  code,
}));
const scripts = blocks.filter(({ language }) => language === 'js').map(({ code }) => code);

const DEVICE_ID = '33333333-3333-4333-8333-333333333333';
const API_KEY = '44444444-4444-4444-8444-444444444444';

/** What stands in the node_modules of who pastes a block. */
const installed = { 'nikdev-iot': '.', valibot: 'node_modules/valibot' };

/** Takes the place of the network, so that a block runs as it stands but for its ids. */
const preload = `
  import { createEmulator } from 'nikdev-iot/emulator'
  const apiKeys = [{ key: '${API_KEY}', read: true, write: true }]
  globalThis.fetch = createEmulator({ devices: [{ deviceId: '${DEVICE_ID}', apiKeys }] }).fetch
`;

const substitute = (code: string): string =>
  code.replaceAll('<Device ID>', DEVICE_ID).replaceAll('<API Key>', API_KEY).replaceAll('<Field ID>', 'field-1');

describe('the README', () => {
  test('has blocks of the languages that are run here', () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(['sh', 'js', 'html']));
    expect(scripts.length).toBeGreaterThanOrEqual(4);
  });

  test.each(scripts.map((code) => [code.trim().split('\n').at(-1), code]))(
    'runs as pasted: … %s',
    async (_last, code) => {
      const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-readme-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      mkdirSync(join(folder, 'node_modules'));
      for (const [name, place] of Object.entries(installed))
        symlinkSync(fileURLToPath(new URL(place, root)), join(folder, 'node_modules', name));
      writeFileSync(`${folder}/preload.mjs`, preload);
      writeFileSync(`${folder}/block.mjs`, substitute(code));
      const preloaded = ['--import', pathToFileURL(`${folder}/preload.mjs`).href];
      const { stderr } = await promisify(execFile)(process.execPath, [...preloaded, 'block.mjs'], {
        cwd: folder,
        timeout: 20_000,
      });
      expect(stderr).toBe('');
    },
  );

  test('names commands that exist', () => {
    const { scripts: commands } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
      scripts: object;
    };
    const named = [...readme.matchAll(/npm (?:run )?(demo|test|check|bench)\b/g)].map(([, name]) => name);
    expect(new Set(named)).toEqual(new Set(['demo', 'test', 'check', 'bench']));
    expect(Object.keys(commands)).toEqual(expect.arrayContaining([...new Set(named)]));
  });

  test('shows pictures and links to files that are there', () => {
    const sources = [...readme.matchAll(/(?:src|srcset)="([^":]+)"/g)].map(([, path]) => path ?? '');
    const links = [...readme.matchAll(/\]\(([^):#]+)\)/g)].map(([, path]) => path ?? '');
    expect(sources.length).toBeGreaterThanOrEqual(2);
    expect([...sources, ...links].filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
  });

  test('names the sizes that the package is held to', () => {
    const { sizeLimits } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
      sizeLimits: Record<string, number>;
    };
    const rows = [...readme.matchAll(/^\| `(?:import )?(.+?)`.* \| (\d+\.\d) kB \|$/gm)];
    const said = Object.fromEntries(rows.map(([, what, kilobytes]) => [what, Number(kilobytes) * 1000]));
    expect(said).toEqual(sizeLimits);
  });

  test('names every option and its default as they are', async () => {
    const { resolveOptions } = await import('../../src/core/config.js');
    const rows = new Map([...readme.matchAll(/^\| `(\w+)` \| `([^`]+)` \|/gm)].map(([, name, value]) => [name, value]));
    const { deviceId: _id, apiKey: _key, ...defaults } = resolveOptions({ deviceId: DEVICE_ID, apiKey: API_KEY });
    for (const [name, value] of Object.entries(defaults))
      expect(rows.get(name)?.replaceAll("'", ''), name).toBe(String(value));
  });

  test('says of each storage, files first, what it survives, in the word that the storage has for it, and what not', async () => {
    const { memoryStorage, webStorage } = await import('../../src/index.js');
    const { fileStorage } = await import('../../src/node.js');
    const storages = [
      fileStorage('/nowhere'),
      fileStorage('/nowhere', { durability: 'process' }),
      webStorage({ length: 0, key: () => null, getItem: () => null, setItem: () => {}, removeItem: () => {} }),
      memoryStorage(),
    ];
    const rows = [...readme.matchAll(/^\| `(\w+Storage)\(.*?\| (.+?) \| (.+?) \|$/gm)];
    expect(rows.map(([, name]) => name)).toEqual(['fileStorage', 'fileStorage', 'webStorage', 'memoryStorage']);
    for (const [index, { durability }] of storages.entries())
      expect(rows[index]?.[2]).toContain(`(\`'${durability}'\`)`);
    for (const [, , , lost] of rows) expect(lost).toMatch(/\w/);
  });

  test('shows files first, for devices', () => {
    const [first] = readme.match(/storage: \w+Storage\(/g) ?? [];
    expect(first).toBe('storage: fileStorage(');
  });
});
