import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapping } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/definitions.js';
import { DOCS, linksOf } from '../support/package/markdown.js';
import { json, loopbackServer } from '../support/servers/loopback-server.js';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  name: string;
  version: string;
  scripts: Record<string, string>;
};

interface Packed {
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

// Without scripts: building anew would take the built files from under the other tests.
const PACK = ['pack', '--dry-run', '--json', '--ignore-scripts'];
const [packed] = Object.values(
  JSON.parse(execFileSync('npm', PACK, { cwd: fileURLToPath(root), stdio: ['ignore', 'pipe', 'ignore'] }).toString()),
) as [Packed];
const paths = packed.files.map(({ path }) => path).sort();
const maps = paths.filter((path) => path.endsWith('.map'));

/** Of each of these an ES module and a CommonJS one. */
const twice = (name: string, ...extensions: string[]): string[] =>
  ['js', 'cjs'].flatMap((format) => extensions.map((extension) => `dist/${name}.${extension.replace('js', format)}`));

const KILOBYTE = 1000;

describe('the published package', () => {
  test('is the built files, their types, the map of the minified one, and what is to be read', () => {
    const entries = ['index', 'node', 'react', 'react-native', 'opfs', 'emulator', 'gateway', 'otel'];
    const parts = paths.filter((path) => /^dist\/shared\/(checks|client|core\d?|journal|web)\.c?js$/.test(path));
    const code = [...entries, 'node.browser'].flatMap((name) => twice(name, 'js'));
    const types = [
      ...entries.flatMap((name) => twice(name, 'd.js')).map((path) => path.replace(/js$/, 'ts')),
      ...paths.filter((path) => /^dist\/shared\/[\w-]+\.d\.c?ts$/.test(path)),
    ];
    const libraries = ['ky', 'valibot'].flatMap((name) => twice(`shared/${name}`, 'js'));
    const page = ['dist/index.umd.js', 'dist/index.umd.js.map'];
    const texts = [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'package.json',
      'dist/THIRD-PARTY-LICENSES.txt',
      ...DOCS,
    ];
    expect(parts.length).toBeGreaterThanOrEqual(4);
    const ofCommand = ['cli', 'config-writer', 'folder', 'library', ...COMMANDS.map(({ name }) => name)];
    const command = ofCommand.map((name) => `dist/cli/${name}.cjs`);
    command.push('dist/cli/THIRD-PARTY-LICENSES.txt');
    expect(paths).toEqual([...code, ...parts, ...types, ...libraries, ...page, ...texts, ...command].sort());
  });

  test('has every page that the README and the pages link to, but for those of a clone', () => {
    const [readme = ''] = read('README.md').split('## Demo, tests, contributing');
    const linked = linksOf(readme).map(({ path }) => path);
    expect(linked.length).toBeGreaterThanOrEqual(15);
    expect(linked.filter((path) => path !== '' && !paths.includes(path))).toEqual([]);
    // Further files are in the repository only: examples, sources, tests.
    const ofPages = DOCS.flatMap((page) => linksOf(read(page)).map(({ path }) => new URL(path, new URL(page, root))));
    const pages = ofPages.map(({ href }) => href.slice(root.href.length)).filter((path) => /^docs\/.*\.md$/.test(path));
    expect(pages.filter((path) => !paths.includes(path))).toEqual([]);
  });

  test('takes at most 600 kB to load, and 2.1 MB on the disk', () => {
    expect(packed.size).toBeLessThan(600 * KILOBYTE);
    expect(packed.unpackedSize).toBeLessThan(2100 * KILOBYTE);
  });

  test.each(maps)(
    'has in %s the names of our sources without their text, and no folder of the machine that built it',
    (path) => {
      const map = JSON.parse(read(path)) as { sources: string[]; sourcesContent?: unknown; sourceRoot?: string };
      expect(map.sourceRoot ?? '').toBe('');
      // The minified file has libraries within it, which could not be read without a map.
      const ours = /^\.\.\/(src|node_modules\/(ky|valibot))\//;
      expect(map.sources.filter((source) => !ours.test(source))).toEqual([]);
      expect(map.sourcesContent).toBeUndefined();
    },
  );

  test('maps the stack trace of the minified file to our sources', () => {
    const context = createContext({ URL, TextDecoder, TextEncoder });
    runInContext(read('dist/index.umd.js'), context, { filename: 'index.umd.js' });
    const stack = runInContext('try { new NikDevIoT.Api({}) } catch (error) { error.stack }', context) as string;
    const map = new SourceMap(JSON.parse(read('dist/index.umd.js.map')));
    const sources = [...stack.matchAll(/index\.umd\.js:(\d+):(\d+)/g)].map(([, line, column]) => {
      const { originalSource, originalLine } = map.findEntry(Number(line) - 1, Number(column) - 1) as SourceMapping;
      return { source: originalSource, line: read(originalSource.slice('../'.length)).split('\n')[originalLine] };
    });
    expect(sources.at(-1)).toEqual({ source: '../src/api.ts', line: expect.stringMatching(/createClient\(/) });
  });

  test('has no comments in its code but annotations for bundlers and notices of licences', () => {
    const code = paths.filter((path) => /^dist\/(?!cli|gateway|index\.umd|shared\/ky).*\.c?js$/.test(path));
    const commented = code.filter((path) => /^\s*\/[/*](?!!|.*[@#]__[A-Z_]+__)/m.test(read(path)));
    expect(commented).toEqual([]);
  });

  test('names a map in a file exactly where there is one', () => {
    for (const path of paths.filter((path) => /\.c?js$/.test(path))) {
      const [, map] = /^\/\/# sourceMappingURL=(.*)$/m.exec(read(path)) ?? [];
      expect(map, path).toBe(maps.includes(`${path}.map`) ? `${path.split('/').at(-1)}.map` : undefined);
    }
  });

  test('names no folder of the machine that built it', () => {
    const folder = fileURLToPath(root);
    expect(paths.filter((path) => read(path).includes(folder))).toEqual([]);
  });

  test('is built anew by whoever packs it', () => {
    expect(manifest.scripts['prepack']).toBe('npm run build');
  });

  test('names in docs/web.md one version of the script and its hash, written and checked as it is released', () => {
    const page = read('docs/web.md');
    const tags = [...page.matchAll(/unpkg\.com\/nikdev-iot(?:@([\d.]+))?\S*"\s*(integrity="sha384-[\w+/]{64}")?/g)];
    expect(tags.map(([, version]) => version)).toEqual([manifest.version]);
    for (const [, , integrity] of tags) expect(integrity).toBeDefined();
    expect(manifest.scripts['version']).toContain('node build/script-tag.mjs && git add docs/web.md');
    expect(manifest.scripts['prepublishOnly']).toMatch(/node build\/script-tag\.mjs --check$/);
  });

  test('npm has nothing to warn of', async () => {
    const registry = await loopbackServer((_request, response) => json(response, 404, {}));
    const { origin, host } = new URL(registry.baseUrl);
    const to = [`--registry=${origin}/`, `--//${host}/:_authToken=none`];
    const { stderr } = await promisify(execFile)('npm', ['publish', '--dry-run', '--ignore-scripts', ...to], {
      cwd: fileURLToPath(root),
    });
    expect(stderr).toContain(`Publishing to ${origin}/`);
    expect(stderr.split('\n').filter((line) => line !== '' && !line.startsWith('npm notice'))).toEqual([]);
  }, 60_000);
});

describe('the changelog', () => {
  const headings = [...read('CHANGELOG.md').matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);

  test('begins with what is to come, then this version, with its date', () => {
    const [unreleased, latest] = headings;
    expect(unreleased).toBe('[Unreleased]');
    expect(latest).toMatch(/^\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}$/);
    expect(latest).toContain(`[${manifest.version}]`);
  });

  test('names kinds of changes as the format does', () => {
    const kinds = [...read('CHANGELOG.md').matchAll(/^### (.*)$/gm)].map(([, kind]) => kind);
    const known = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
    expect(kinds.filter((kind) => !known.includes(kind ?? ''))).toEqual([]);
  });
});
