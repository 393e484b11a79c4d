import { readFileSync } from 'node:fs';
import { API_KEY, DEVICE_ID } from '../builders/credentials.js';

/** A fenced code block of a page in Markdown. */
export interface Block {
  /** The heading above it. */
  readonly section: string;
  /** The language of the fence; empty if there is none. */
  readonly language: string;
  readonly code: string;
}

/** The pages that users and contributors read. */
export const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/troubleshooting.md',
  'examples/dashboard/README.md',
  'examples/device/README.md',
  'examples/web-app/README.md',
] as const;

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
