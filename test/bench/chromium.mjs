import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { commitTwo, credentials, fieldIds } from './data.mjs';

const UMD = fileURLToPath(import.meta.resolve('nikdev-iot').replace(/[^/]+$/, 'index.umd.js'));

/**
 * Calls back with a browser and a function that opens a page of a context with the library, `commitTwo` and `openApi()`, and returns it
 * with a function that loads these again after a reload. The pages have one origin, whose server stores nothing and answers 200.
 *
 * @returns The result; `undefined` where there is no Chromium.
 */
export async function inChromium(run) {
  const executablePath = process.env.CHROME_PATH ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) return undefined;
  const server = createServer(async (request, response) => {
    for await (const _piece of request);
    if (request.method === 'POST') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{}}');
      return;
    }
    // In such a page the clock is exact to 5 µs, else to 100.
    response.writeHead(200, {
      'content-type': 'text/html',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end('<!doctype html><title>Bench</title>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] });
  try {
    return await run(browser, async (context) => {
      const page = await context.newPage();
      await page.goto(url);
      await load(page, url);
      return { page, load: () => load(page, url) };
    });
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}

async function load(page, url) {
  await page.addScriptTag({ path: UMD });
  const options = JSON.stringify({ ...credentials, baseUrl: `${url}api/v1/` });
  await page.addScriptTag({
    content: `const fieldIds = ${JSON.stringify(fieldIds)}; ${commitTwo}; function openApi() { return new NikDevIoT.Api(${options}); }`,
  });
}
