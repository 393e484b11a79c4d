import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FakeOpfs } from '../support/fakes/fake-opfs.js';
import { PAGES, readPage } from '../support/package/markdown.js';

const root = new URL('../../', import.meta.url);
const readme = readPage('README.md');
const DEVICE_ID = '33333333-3333-4333-8333-333333333333';
const API_KEY = '44444444-4444-4444-8444-444444444444';

describe('the README', () => {
  test.each(PAGES)('shows pictures and links to files and headings that are there: %s', (page) => {
    const text = readPage(page);
    const sources = [...text.matchAll(/(?:src|srcset)="([^":]+)"/g)].map(([, path]) => path ?? '');
    const links = [...text.matchAll(/\]\(([^):]+)\)/g)].map(([, path]) => path ?? '');
    const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(
      ([, heading = '']) =>
        `#${heading
          .toLowerCase()
          .replaceAll(' ', '-')
          .replace(/[^\w-]/g, '')}`,
    );
    const isThere = (path: string): boolean =>
      path.startsWith('#') ? anchors.includes(path) : existsSync(new URL(path, new URL(page, root)));
    expect([...sources, ...links].filter((path) => !isThere(path))).toEqual([]);
    expect(page === 'README.md' ? sources.length : 2).toBeGreaterThanOrEqual(2);
  });

  test('starts servers on loopback only, as the examples do', () => {
    const examples = readdirSync(new URL('examples/', root), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(mjs|js|tsx?|md)$/.test(path))
      .map((path) => readFileSync(new URL(`examples/${path}`, root), 'utf8'));
    const starts = [...PAGES.map(readPage), ...examples].flatMap((text) => [
      ...text.matchAll(/(?<=[\s`.])(?:serve|listen)\((?=\{|\d).*?\)|--host\b.*/gs),
    ]);
    expect(starts.length).toBeGreaterThanOrEqual(4);
    expect(starts.map(String).filter((start) => !start.includes("hostname: '127.0.0.1'"))).toEqual([]);
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
    const { resolveOptions } = await import('../../src/core/options/schema.js');
    const rows = new Map([...readme.matchAll(/^\| `(\w+)` \| `([^`]+)` \|/gm)].map(([, name, value]) => [name, value]));
    const { deviceId: _id, apiKey: _key, ...defaults } = resolveOptions({ deviceId: DEVICE_ID, apiKey: API_KEY });
    for (const [name, value] of Object.entries(defaults).filter(([, value]) => value !== undefined))
      expect(rows.get(name)?.replaceAll("'", ''), name).toBe(String(value));
  });

  test('says of each storage, files first, what it survives, in the word that the storage has for it, and what not', async () => {
    const { memoryStorage, webStorage } = await import('../../src/index.js');
    const { fileStorage } = await import('../../src/node.js');
    const { mmkvStorage } = await import('../../src/react-native.js');
    const { opfsStorage } = await import('../../src/opfs.js');
    const storages = [
      fileStorage('/nowhere'),
      fileStorage('/nowhere', { durability: 'process' }),
      webStorage({ length: 0, key: () => null, getItem: () => null, setItem: () => {}, removeItem: () => {} }),
      await opfsStorage('x', {}, new FakeOpfs().startWorker().manager),
      mmkvStorage({ set() {}, getString: () => undefined, getAllKeys: () => [], remove() {} }),
      memoryStorage(),
    ];
    const rows = [...readme.matchAll(/^\| `(\w+Storage)\(.*?\| (.+?) \| (.+?) \|$/gm)];
    expect(rows.map(([, name]) => name)).toEqual([
      'fileStorage',
      'fileStorage',
      'webStorage',
      'opfsStorage',
      'mmkvStorage',
      'memoryStorage',
    ]);
    for (const [index, { durability }] of storages.entries())
      expect(rows[index]?.[2]).toContain(`(\`'${durability}'\`)`);
    for (const [, , , lost] of rows) expect(lost).toMatch(/\w/);
  });

  test.each(PAGES)('names calls that there are: %s', async (page) => {
    const { Api } = await import('../../src/index.js');
    const text = readPage(page)
      .replace(/^```python$.*?^```$/gms, '')
      .replace(/^\| `api\.(?:.*?) \|/gm, '');
    const calls = [...text.matchAll(/\b[aA]pi\.(\w+)\(/g)].map(([, name = '']) => name);
    expect(calls.filter((name) => !(name in Api.prototype || name in Api))).toEqual([]);
    const [, table = ''] = /^## The calls$(.*?)^## /ms.exec(text) ?? [];
    const listed = [...table.matchAll(/(?<=^\| .*?)`(\w+)\((?=.*? \|.*? \|$)/gm)].map(([, name = '']) => name);
    expect(listed.filter((name) => !(name in Api.prototype))).toEqual([]);
    expect(page === 'README.md' ? listed.length : 20).toBeGreaterThanOrEqual(20);
  });

  test('shows every call of the Python client, and what stands for it', () => {
    const cases = JSON.parse(readPage('test/conformance/reference-client.json')) as { ops: [string, ...unknown[]][] }[];
    const [, section = ''] = /^## From Python$(.*?)^## /ms.exec(readme) ?? [];
    for (const name of new Set(cases.flatMap(({ ops }) => ops.map(([op]) => op)))) {
      expect(section).toContain(`api.${name}(`);
      expect(section).toContain(`api.${name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}(`);
    }
  });

  test('shows files first, for devices', () => {
    const [first] = readme.match(/storage: \w+Storage\(/g) ?? [];
    expect(first).toBe('storage: fileStorage(');
  });
});
