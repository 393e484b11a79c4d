import { existsSync, readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
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

const files = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

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

/** The parameters of constructors that are functions, as `<file>: <parameter>`. */
function functionParameters(file: string): string[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(new URL(`src/${file}`, root), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isConstructorDeclaration(node))
      for (const { name, type } of node.parameters)
        if (type !== undefined && ts.isFunctionTypeNode(type)) found.push(`${file}: ${name.getText()}`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

test('no constructor takes a function: commands go down, and news goes up through an emitter', () => {
  expect(files.length).toBeGreaterThan(100);
  expect(files.flatMap(functionParameters)).toEqual([]);
});

test('no file of src has more than 350 lines, but api.ts 450, examples aside', () => {
  const text = (file: string): string => readFileSync(new URL(`src/${file}`, root), 'utf8');
  const withoutExamples = (file: string): string =>
    text(file).replace(/^(?: +\*\n)? +\* @example\n +\* ```[\s\S]*?```\n/gm, '');
  const lines = (file: string): number => withoutExamples(file).split('\n').length - 1;
  expect(files.filter((file) => lines(file) > (file === 'api.ts' ? 450 : 350))).toEqual([]);
});
