import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readPage } from '../support/package/markdown.js';

const root = new URL('../../', import.meta.url);
const page = readPage('ARCHITECTURE.md');
const [, folderTable = ''] = page.split(/^## The folders of `src`$/m);

/** The texts in backquotes that are paths of files or folders; `/name` continues the folder of the path before it. */
function pathsOf(text: string): string[] {
  const paths: string[] = [];
  for (const [, code = ''] of text.matchAll(/`([\w./-]+)`/g)) {
    if (code.startsWith('/')) paths.push(`${paths.at(-1)?.replace(/\/[^/]+$/, '')}${code}`);
    else if (/\/|\.(ts|json)$/.test(code) || existsSync(new URL(`src/${code}`, root))) paths.push(code);
  }
  return paths;
}

const isThere = (path: string): boolean => ['src/', ''].some((folder) => existsSync(new URL(folder + path, root)));

describe('ARCHITECTURE.md', () => {
  test('names only files and folders that exist', () => {
    const paths = pathsOf(page);
    expect(paths.length).toBeGreaterThan(60);
    expect(paths.filter((path) => !isThere(path))).toEqual([]);
  });

  test('describes every folder of src, and every module at its top', () => {
    const described = new Set(pathsOf(folderTable.split(/^## /m)[0] ?? ''));
    const entries = readdirSync(new URL('src/', root), { recursive: true, withFileTypes: true });
    const modules = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
    const places = modules.map(({ parentPath, name }) => {
      const folder = parentPath.replaceAll('\\', '/').split('/src').at(-1)?.replace(/^\//, '');
      return folder || name;
    });
    expect([...new Set(places)].filter((place) => !described.has(place))).toEqual([]);
  });
});
