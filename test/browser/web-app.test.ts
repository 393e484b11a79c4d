import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ApiOptions } from '../../src/index.js';
import { describeInChromium } from '../support/chromium.js';
import { credentials, DEVICE_ID } from '../support/credentials.js';
import { temporaryFolder } from '../support/fake-processes.js';
import { serveEmulator, serveOnLoopback } from '../support/pages.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const VITE = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');

/** Builds the example as its README says. @returns Its files, by their paths on a server. */
async function build({ deviceId, apiKey, baseUrl }: ApiOptions): Promise<Map<string, Buffer>> {
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

function serveFiles(files: ReadonlyMap<string, Buffer>): Promise<string> {
  return serveOnLoopback((request) => {
    const { pathname } = new URL(request.url);
    const path = pathname === '/' ? '/index.html' : pathname;
    const file = files.get(path);
    if (file === undefined) return new Response(null, { status: 404 });
    return new Response(new Uint8Array(file), { headers: { 'content-type': TYPES[extname(path)] ?? '' } });
  });
}

describe('the web app', { timeout: 60_000 }, () => {
  it('is built into a page, a script and a style sheet', async () => {
    const files = await build({ ...credentials, baseUrl: 'https://iot.example/api/v1/' });
    const kinds = [...files.keys()].map((path) => extname(path));
    expect(kinds.sort()).toEqual(['.css', '.html', '.js', '.svg']);
  });
});

describeInChromium('the web app', (newContext) => {
  it('saves what is entered without a network, over a reload, and pushes it by itself when there is one', async () => {
    const { emulator, options } = await serveEmulator();
    const context = await newContext();
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(await serveFiles(await build(options)));
    const status = (text: string) => page.getByRole('status').filter({ hasText: text }).waitFor();

    // No server, while the page itself can still be loaded.
    const isApi = (url: URL): boolean => url.href.startsWith(String(options.baseUrl));
    await page.route(isApi, (route) => route.abort());
    await page.getByLabel('Water (m³)').fill('123.5');
    await page.getByLabel('Power (kWh)').fill('4567');
    await page.getByRole('button', { name: 'Save' }).click();
    await status('1 saved, not pushed yet');
    await page.getByText('Bad luck').waitFor();
    await page.reload();
    await status('1 saved, not pushed yet');
    expect(emulator.entries(DEVICE_ID)).toEqual([]);

    await page.unroute(isApi);
    await status('Nothing waits');
    await page.getByText('123.5 m³').waitFor();
    expect(emulator.entries(DEVICE_ID).map(({ values }) => values)).toEqual([
      [
        { fieldId: 'water', value: 123.5 },
        { fieldId: 'power', value: 4567 },
      ],
    ]);

    await page.getByLabel('Water (m³)').fill('124');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('124 m³').waitFor();
    expect(emulator.entries(DEVICE_ID)).toHaveLength(2);
    expect(errors).toEqual([]);
  });

  it('says that nothing was filled in', async () => {
    const { options } = await serveEmulator();
    const page = await (await newContext()).newPage();
    await page.goto(await serveFiles(await build(options)));
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').filter({ hasText: 'Fill in a meter first.' }).waitFor();
  });
});
