import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { inShellWords, rules } from '../../src/cli/shell-words.js';

const source = fileURLToPath(new URL('../../src/', import.meta.url));

/** Texts that no command shows, as none closes an `Api` before its last call, has its entries in memory, or lets them be discarded. */
const UNREACHABLE = [
  'This Api is closed, and its entries are in memory only: log() returns them, and restore() of a new Api puts them back.',
  'This Api is closed: only status(), log(), quarantined() and close() can be called.',
  '…, in memory: it is lost when this process or page ends.',
  '… This exception\'s "discarded" holds the discarded entries (… in all); restore() puts them back.',
  'a storage adapter, such as memoryStorage() or fileStorage(directory)',
  'a string (Api.fromCredentials takes id and key)',
  'subscribe()',
  "This platform has no cryptographic random numbers: if Math.random is seeded, runs may overwrite each other's entries. Provide crypto.getRandomValues first.",
];
/** Parts of a sentence that is replaced as a whole. */
const PARTS = [', dropQuarantined(),'];

/** The text that an expression makes, with … for each part that is not written there. */
function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
}

const isNoMessage = ({ parent }: ts.Node): boolean => ts.isImportDeclaration(parent) || ts.isLiteralTypeNode(parent);

function textsIn(folder: string): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    const text = textOf(node);
    if (text !== undefined && !isNoMessage(node)) texts.push(text);
    ts.forEachChild(node, visit);
  };
  for (const path of readdirSync(source + folder, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts')) continue;
    visit(ts.createSourceFile(path, readFileSync(`${source}${folder}/${path}`, 'utf8'), ts.ScriptTarget.ES2022, true));
  }
  return texts;
}

/** A call, a class or a place that a shell does not have. */
const OF_CODE = /\b\w+\(\)|\b(?:Api|CORS|Math|Date)\b|\b(?:this|a|or) page\b|browser/;

const texts = [...textsIn('core'), ...textsIn('storage/file')];

test('no message of the library names a call, a class or a page where a command shows it', () => {
  expect(texts).toEqual(expect.arrayContaining([...UNREACHABLE, ...PARTS]));
  const shown = texts.filter((text) => ![...UNREACHABLE, ...PARTS].includes(text));
  expect(shown.filter((text) => OF_CODE.test(text)).length).toBeGreaterThan(15);
  expect(shown.map(inShellWords).filter((text) => OF_CODE.test(text))).toEqual([]);
});

test('no rule is for a text that the library has no more', () => {
  const isUsed = ([from]: ReturnType<typeof rules>[number]): boolean =>
    texts.some((text) => text.search(from instanceof RegExp ? from : escaped(from)) >= 0);
  const OF_PARTS = /dropQuarantined|quarantined\\\(\\\)|plain http/;
  expect(rules().filter((rule) => !isUsed(rule) && !OF_PARTS.test(String(rule[0])))).toEqual([]);
});

const escaped = (text: string): RegExp => new RegExp(text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&'));

test.each([
  [
    'Push the queue or free space, then commit again.',
    'Run nikdev-iot push (and nikdev-iot quarantine drop ID…), or free space, then nikdev-iot commit.',
  ],
  [
    'Push the queue, dropQuarantined(), or free space, then restore again.',
    'Run nikdev-iot push, or free space, then nikdev-iot quarantine restore again.',
  ],
  [
    'A captive portal, a proxy or a wrong baseUrl answered. Sign in to the network or check baseUrl, then try again.',
    'A captive portal, a proxy or a wrong URL of the server (NIKDEV_URL, or baseUrl in config.json) answered. Sign in to the network or check that URL, then try again.',
  ],
  [
    'Entries committed for device 1-2 at http://x/ wait in /a b. They are safe; an Api with that deviceId and baseUrl pushes them.',
    "Entries committed for device 1-2 at http://x/ wait in /a b. They are safe; NIKDEV_DEVICE_ID=1-2 NIKDEV_URL=http://x/ nikdev-iot push pushes them, with that device's key.",
  ],
])('%j is shown as %j, and stays so', (text, shown) => {
  expect(inShellWords(text)).toBe(shown);
  expect(inShellWords(shown)).toBe(shown);
});
