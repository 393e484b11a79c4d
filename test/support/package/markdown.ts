import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { API_KEY, DEVICE_ID } from '../builders/credentials.js';

interface DocPage {
  readonly name: string;
  readonly title: string;
  readonly about: string;
}

const { PAGES: DOC_PAGES } = (await import(pathToFileURL('build/pages.mjs').href)) as {
  PAGES: readonly DocPage[];
};

/** A fenced code block of a page in Markdown. */
export interface Block {
  /** The page that it is on, if it is known. */
  readonly page?: string;
  /** The heading above it. */
  readonly section: string;
  /** The language of the fence; empty if there is none. */
  readonly language: string;
  readonly code: string;
}

/** The pages of the documentation. */
export const DOCS: readonly string[] = DOC_PAGES.map(({ name }) => `docs/${name}.md`);

/** Pages whose blocks have tests of their own: `test/cli`, `test/gateway` and `test/hosts`. */
const TESTED_ELSEWHERE = ['docs/cli.md', 'docs/gateway.md', 'docs/hosts.md'];

/** All pages that users and contributors read. */
export const ALL_PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...DOCS,
  'examples/dashboard/README.md',
  'examples/device/README.md',
  'examples/shell/README.md',
  'examples/web-app/README.md',
];

/** The pages whose blocks are run. */
export const PAGES = ALL_PAGES.filter((page) => !TESTED_ELSEWHERE.includes(page));

export const readPage = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

/** All blocks of a page, in their order: fences of any length and sign, in lists too. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let section = '';
  const parts = markdown.matchAll(/^#+ (.+)$|^( *)(`{3,}|~{3,})(.*)\n([\s\S]*?)^\2\3\s*$/gm);
  for (const [, heading, , , language = '', code = ''] of parts) {
    if (heading === undefined) blocks.push({ section, language: language.trim(), code });
    else section = heading;
  }
  return blocks;
}

/** The code with ids in the place of its placeholders: the only change before it is run. */
export function withIds(code: string): string {
  return code
    .replaceAll('<Device ID>', DEVICE_ID)
    .replaceAll('<API Key>', API_KEY)
    .replace(/<Field ID(?: (\d))?>/g, (_, number = '1') => `field-${number}`);
}

/** A link to a file of this repository. */
export interface Link {
  /** Empty for a link within the page. */
  readonly path: string;
  readonly anchor: string | undefined;
}

/** The links of a page to files of this repository. */
export const linksOf = (markdown: string): Link[] =>
  [...markdown.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => target.split('#'))
    .map(([path = '', anchor]) => ({ path, anchor }));
