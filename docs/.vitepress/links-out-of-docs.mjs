import { posix } from 'node:path';

/**
 * Points links to files outside of `docs` (sources, examples) to the repository; while its URL is not known, only their text is
 * shown. The README is the home page.
 *
 * @param {import('markdown-it').default} markdown
 * @param {string | undefined} repositoryUrl
 */
export function linksOutOfDocs(markdown, repositoryUrl) {
  markdown.core.ruler.push('links-out-of-docs', ({ tokens, env }) => {
    for (const { children } of tokens) {
      if (children === null) continue;
      for (const [index, token] of children.entries()) {
        if (token.type === 'link_open') redirect(token, closeOf(children, index));
      }
    }

    function redirect(open, close) {
      const [path, anchor = ''] = open.attrGet('href').split(/(?=#)/);
      if (/^[a-z]+:|^[#/]|^$/.test(path)) return;
      const target = posix.join('docs', posix.dirname(env.relativePath ?? ''), path);
      if (target.startsWith('docs/')) return;
      if (target === 'README.md') open.attrSet('href', '/');
      else if (repositoryUrl) open.attrSet('href', `${repositoryUrl}/blob/HEAD/${target}${anchor}`);
      else for (const token of [open, close]) Object.assign(token, { type: 'text', tag: '', content: '', nesting: 0 });
    }
  });
}

const closeOf = (tokens, index) => tokens.slice(index).find(({ type }) => type === 'link_close');
