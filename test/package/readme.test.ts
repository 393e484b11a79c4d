import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FakeOpfs } from '../support/fakes/fake-opfs.js';
import { ALL_PAGES, blocksOf, DOCS, type Link, linksOf, PAGES, readPage } from '../support/package/markdown.js';

const root = new URL('../../', import.meta.url);
const readme = readPage('README.md');
const measurements = readPage('docs/measurements.md');
const reference = readPage('docs/reference.md');
/** The section of the README with measurements. */
const [, measured = ''] = /^## Performance and size$(.*?)^## /ms.exec(readme) ?? [];
const DEVICE_ID = '33333333-3333-4333-8333-333333333333';
const API_KEY = '44444444-4444-4444-8444-444444444444';

const words = (markdown: string): string[] =>
  markdown
    .replace(/^```.*?^```$/gms, '')
    .replace(/^\|.*$/gm, '')
    .replace(/<picture>.*<\/picture>/g, '')
    .split(/\s+/)
    .filter((word) => /\w/.test(word));

const headingsOf = (markdown: string): string[] =>
  [...markdown.replace(/^```.*?^```$/gms, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);

/** The anchors of a page, as GitHub makes them. */
const anchorsOf = (markdown: string): string[] =>
  headingsOf(markdown).map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(' ', '-')
      .replace(/[^\w-]/g, ''),
  );

/** The symptoms that users search for in docs/troubleshooting.md, as its headings name them. */
const SYMPTOMS = [
  'Nothing happens',
  'The process does not end, or ends too early',
  'Readings arrive twice',
  'Readings have a wrong time',
  'Server-side rendering (SSR)',
  'Jest, Vitest, jsdom',
  'Deno',
  'Docker',
  'The server moved',
  'In a page',
];

/** Whether a file and its heading exist. */
function isThere({ path, anchor }: Link, page: string): boolean {
  const url = new URL(path === '' ? (page.split('/').at(-1) ?? '') : path, new URL(page, root));
  if (!existsSync(url)) return false;
  return anchor === undefined || anchorsOf(readFileSync(url, 'utf8')).includes(anchor);
}

describe('the README', () => {
  test('has at most 1,500 words outside of code and tables', () => {
    expect(words(readme).length).toBeGreaterThan(400);
    expect(words(readme).length).toBeLessThanOrEqual(1500);
  });

  test('shows in its first 40 lines a sentence, a picture, the emulator, a device and its output, and the way to each task', () => {
    const top = readme.split('\n').slice(0, 40).join('\n');
    const [sh, js, text] = blocksOf(top).map(({ language }) => language);
    expect([sh, js, text]).toEqual(['sh', 'js', 'text']);
    expect(top).toMatch(/^# nikdev-iot\n\n[A-Z][^\n]+\.\n\n<picture>/);
    expect(top).toContain('npx nikdev-iot emulator');
    const table = top.slice(top.indexOf('| I want to'));
    const linked = linksOf(table).map(({ path }) => path);
    expect(DOCS.filter((page) => !linked.includes(page) && page !== 'docs/measurements.md')).toEqual([]);
    expect(table.split('\n').at(-1)).not.toMatch(/^\|/);
  });

  test('has at most ten measurements', () => {
    const rows = measured.match(/^\|.*\|$/gm) ?? [];
    expect(rows.length).toBeGreaterThanOrEqual(5);
    expect(rows.length).toBeLessThanOrEqual(12);
  });

  test('has only measurements that docs/measurements.md has', () => {
    const numbersIn = (text: string): string[] => text.match(/\d[\d.,]*(?<=\d)/g) ?? [];
    const known = new Set(numbersIn(measurements));
    const shown = numbersIn(measured.replace(/^(?!\|).*$/gm, ''));
    expect(shown.length).toBeGreaterThanOrEqual(20);
    expect(shown.filter((number) => !known.has(number))).toEqual([]);
  });

  test.each(ALL_PAGES)('links to files and headings that exist, and shows pictures that do: %s', (page) => {
    const text = readPage(page);
    const sources = [...text.matchAll(/(?:src|srcset)="([^":]+)"/g)].map(([, path = '']) => path);
    expect(sources.filter((path) => !existsSync(new URL(path, new URL(page, root))))).toEqual([]);
    expect(linksOf(text).filter((link) => !isThere(link, page))).toEqual([]);
    if (page === 'README.md') expect(sources).toHaveLength(2);
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

  test('names in docs/measurements.md the sizes that the package is held to', () => {
    const { sizeLimits } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
      sizeLimits: Record<string, number>;
    };
    const rows = [...measurements.matchAll(/^\| `(?:import )?(.+?)`.* \| (\d+\.\d) kB \|$/gm)];
    const said = Object.fromEntries(rows.map(([, what, kilobytes]) => [what, Number(kilobytes) * 1000]));
    expect(said).toEqual(sizeLimits);
    const [, ofPage] = /^\| a page loads.*? \| ([\d.]+) kB \|/m.exec(readme) ?? [];
    expect(Number(ofPage) * 1000).toBe(sizeLimits['{ Api }']);
  });

  test('names in docs/reference.md every option and its default as they are', async () => {
    const { resolveOptions } = await import('../../src/core/options/schema.js');
    const rows = new Map(
      [...reference.matchAll(/^\| `(\w+)` \| `([^`]+)` \|/gm)].map(([, name, value]) => [name, value]),
    );
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

  test.each(ALL_PAGES)('names calls that exist: %s', async (page) => {
    const { Api } = await import('../../src/index.js');
    const text = readPage(page)
      .replace(/^```python$.*?^```$/gms, '')
      .replace(/^\| `api\.(?:.*?) \|/gm, '');
    const calls = [...text.matchAll(/\b[aA]pi\.(\w+)\(/g)].map(([, name = '']) => name);
    expect(calls.filter((name) => !(name in Api.prototype || name in Api))).toEqual([]);
    const [, table = ''] = /^## Methods$(.*?)^## /ms.exec(text) ?? [];
    const listed = [...table.matchAll(/(?<=^\| .*?)`(\w+)\((?=.*? \|.*? \|$)/gm)].map(([, name = '']) => name);
    expect(listed.filter((name) => !(name in Api.prototype))).toEqual([]);
    expect(page === 'docs/reference.md' ? listed.length : 20).toBeGreaterThanOrEqual(20);
  });

  test('shows every call of the Python client, and what stands for it', () => {
    const cases = JSON.parse(readPage('test/conformance/reference-client.json')) as { ops: [string, ...unknown[]][] }[];
    const section = readPage('docs/from-python.md');
    for (const name of new Set(cases.flatMap(({ ops }) => ops.map(([op]) => op)))) {
      expect(section).toContain(`api.${name}(`);
      expect(section).toContain(`api.${name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())}(`);
    }
  });

  test.each([
    ['storage', 'docs/storage.md'],
    ['exception', 'docs/reference.md'],
  ])('has its table of each %s in %s, too, for the site', (first, page) => {
    const [table = ''] = new RegExp(`^\\| ${first} \\|.*?(?=\\n\\n)`, 'ms').exec(readme) ?? [];
    expect(table.split('\n').length).toBeGreaterThanOrEqual(7);
    expect(readPage(page)).toContain(`${table}\n`);
  });

  test('shows files first, for devices', () => {
    const [first] = readme.match(/storage: \w+Storage\(/g) ?? [];
    expect(first).toBe('storage: fileStorage(');
  });

  test('names every event in docs/reference.md', async () => {
    const { EVENT_LEVELS } = await import('../../src/core/model/events.js');
    const [, section = ''] = /^## Events$(.*?)^## /ms.exec(reference) ?? [];
    const names = [...section.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name]) => name);
    expect(names).toEqual(Object.keys(EVENT_LEVELS));
  });

  test('names every metric in docs/operations.md', () => {
    const source = readPage('src/otel/instruments.ts');
    const metrics = [...source.matchAll(/'(nikdev\.[\w.]+)'/g)].map(([, name = '']) => name);
    expect(metrics.length).toBeGreaterThanOrEqual(9);
    expect(metrics.filter((name) => !readPage('docs/operations.md').includes(`\`${name}\``))).toEqual([]);
  });
});

describe('the pages of the documentation', () => {
  test('are those of the list that the site and llms.txt are made from', () => {
    const files = readdirSync(new URL('docs/', root)).filter((name) => name.endsWith('.md'));
    expect(files.map((name) => `docs/${name}`).sort()).toEqual([...DOCS, 'docs/api-index.md', 'docs/index.md'].sort());
  });

  test.each(ALL_PAGES)('have headings that are terms to search for, not questions: %s', (page) => {
    const headings = headingsOf(readPage(page));
    expect(headings).not.toEqual([]);
    expect(headings.filter((heading) => heading.endsWith('?'))).toEqual([]);
  });

  test('have a heading for each symptom, and for the symptom that the README names', () => {
    const [, bySymptom = ''] = /^## By symptom$(.*?)^## /ms.exec(readPage('docs/troubleshooting.md')) ?? [];
    expect(headingsOf(bySymptom)).toEqual(SYMPTOMS);
    expect(readme).toContain(`find out why ${SYMPTOMS[0]?.toLowerCase()}`);
  });

  test('are listed in llms.txt', async () => {
    const { llmsText } = (await import(new URL('build/pages.mjs', root).href)) as {
      llmsText: (folder: string) => string;
    };
    await expect(llmsText('docs/')).toMatchFileSnapshot('../../llms.txt');
  });
});
