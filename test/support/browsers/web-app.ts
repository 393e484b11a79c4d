import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { PageOptions } from '../builders/credentials.js';
import { temporaryFolder } from '../disks/temporary-folder.js';
import { serveOnLoopback } from '../servers/serve-on-loopback.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const VITE = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');

/** Builds the example as its README says. @returns Its files, by their paths on a server. */
export async function buildWebApp({ deviceId, apiKey, baseUrl }: PageOptions): Promise<Map<string, Buffer>> {
  const folder = temporaryFolder();
  await promisify(execFile)(
    process.execPath,
    [VITE, 'build', 'examples/web-app', '--outDir', folder, '--emptyOutDir'],
    {
      cwd: ROOT,
      env: { ...process.env, VITE_DEVICE_ID: deviceId, VITE_API_KEY: apiKey, VITE_BASE_URL: baseUrl },
    },
  );
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => extname(path) !== '');
  return new Map(paths.map((path) => [`/${path.split(sep).join('/')}`, readFileSync(join(folder, path))]));
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** @param headers - Of every answer. @returns Its URL. */
export function serveFiles(
  files: ReadonlyMap<string, Buffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  return serveOnLoopback((request) => {
    const { pathname } = new URL(request.url);
    const path = pathname === '/' ? '/index.html' : pathname;
    const file = files.get(path);
    if (file === undefined) return new Response(null, { status: 404 });
    return new Response(new Uint8Array(file), { headers: { ...headers, 'content-type': TYPES[extname(path)] ?? '' } });
  });
}
