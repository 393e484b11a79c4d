import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { GROUPS, llmsText, PAGES } from '../../build/pages.mjs';
import { linksOutOfDocs } from './links-out-of-docs.mjs';

const root = new URL('../../', import.meta.url);
const { description, repository } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const repositoryUrl = repository?.url.replace(/^git\+/, '').replace(/\.git$/, '');

/** The reference, which typedoc writes before; absent if only the pages are built. */
const reference = new URL('docs/api/typedoc-sidebar.json', root);
const referenceSidebar = existsSync(reference) ? JSON.parse(readFileSync(reference, 'utf8')) : [];

/** GitHub's anchors, so that a link works there, in an editor and here. */
const slugify = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(' ', '-')
    .replace(/[^\w-]/g, '');

export default defineConfig({
  title: 'nikdev-iot',
  description,
  lang: 'en',
  base: process.env.DOCS_BASE ?? '/',
  outDir: fileURLToPath(new URL('site', root)),
  cleanUrls: true,
  srcExclude: ['api-index.md'],
  // The search index is one chunk.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  markdown: {
    anchor: { slugify },
    config: (markdown) => linksOutOfDocs(markdown, repositoryUrl),
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/getting-started', activeMatch: '^/(?!api/)' },
      { text: 'API reference', link: '/api/', activeMatch: '^/api/' },
    ],
    sidebar: {
      '/': GROUPS.map(({ group, pages }) => ({
        text: group,
        items: pages.map(({ name, title }) => ({ text: title, link: `/${name}` })),
      })),
      '/api/': referenceSidebar,
    },
    ...(repositoryUrl && { socialLinks: [{ icon: 'github', link: repositoryUrl }] }),
  },
  buildEnd({ outDir }) {
    // For programs that read: the pages as they are, and a list of them.
    for (const { name } of PAGES) cpSync(new URL(`docs/${name}.md`, root), `${outDir}/${name}.md`);
    writeFileSync(`${outDir}/llms.txt`, llmsText(''));
    for (const suffix of ['', '-dark'])
      cpSync(new URL(`examples/dashboard/screenshot${suffix}.png`, root), `${outDir}/dashboard${suffix}.png`);
  },
});
