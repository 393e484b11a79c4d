import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serveOnLoopback } from '../servers/serve-on-loopback.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const TYPEDOC = join(ROOT, 'node_modules/typedoc/bin/typedoc');
const VITEPRESS = join(ROOT, 'node_modules/vitepress/bin/vitepress.js');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** Builds the site as `npm run docs` does, with the reference, but does not check types again. It fails on dead links. */
export async function buildDocs(outDir: string): Promise<void> {
  const run = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: ROOT });
  await run(TYPEDOC, '--skipErrorChecking');
  await run(VITEPRESS, 'build', 'docs', '--outDir', outDir);
}

/** Serves a built site, its addresses without `.html`. @returns Its URL. */
export const serveDocs = (outDir: string): Promise<string> =>
  serveOnLoopback((request) => {
    const { pathname } = new URL(request.url);
    const path = join(outDir, pathname.endsWith('/') ? `${pathname}index.html` : pathname);
    const file = extname(path) === '' ? `${path}.html` : path;
    if (!existsSync(file)) return new Response(null, { status: 404 });
    return new Response(new Uint8Array(readFileSync(file)), {
      headers: { 'content-type': TYPES[extname(file)] ?? '' },
    });
  });
