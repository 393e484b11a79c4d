import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { ratioRow, row } from './compare.mjs';
import { commitTwo, credentials, fieldIds } from './data.mjs';

const UMD = fileURLToPath(import.meta.resolve('nikdev-iot').replace(/[^/]+$/, 'index.umd.js'));
const WHAT = {
  0: 'commit into localStorage, Chromium: time against bare setItem',
  10000: 'commit into localStorage, Chromium: the same with 10,000 queued',
};

/** Committing two values in a page, against setting an item of the same text under a new key. */
export async function commitIntoLocalStorage() {
  const executablePath = process.env.CHROME_PATH ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    return Object.values(WHAT).map((what) => row(what, 'no Chromium found: set CHROME_PATH', '≤ 1.50×'));
  }
  const server = createServer((_, response) => {
    // In such a page the clock is exact to 5 µs, else to 100.
    response.writeHead(200, {
      'content-type': 'text/html',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    response.end('<!doctype html><title>Bench</title>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] });
  try {
    const rows = [];
    for (const [queued, what] of Object.entries(WHAT)) {
      // A context has a storage of its own.
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${server.address().port}/`);
      await page.addScriptTag({ path: UMD });
      await page.addScriptTag({ content: `const fieldIds = ${JSON.stringify(fieldIds)}; ${commitTwo}` });
      const { ours, bare } = await page.evaluate(measure, { credentials, queued: Number(queued) });
      rows.push(ratioRow(what, { most: 1.5 }, ours, bare));
      await context.close();
    }
    return rows;
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}

/** Runs in the page. @returns By side: the median milliseconds of each round, as {@link compare} has them. */
async function measure({ credentials, queued }) {
  const [rounds, iterations, commits] = [15, 7, 50];
  const api = new globalThis.NikDevIoT.Api(credentials);
  if (api.status().durability !== 'tab') throw new Error('this page may not use localStorage');
  for (let count = 0; count < queued; count++) commitTwo(api, count);
  const entryKey = commitTwo(api, 0).id.replace('-', '/');
  const record = Object.entries(localStorage).find(([key]) => key.endsWith(entryKey))[1];
  const sides = {
    ours: {
      run() {
        for (let count = 0; count < commits; count++) commitTwo(api, count);
      },
      // A deep queue barely grows.
      after: () => queued === 0 && api.resetUnpushedEntries(),
    },
    bare: {
      items: [],
      count: 10_000,
      before() {
        this.items = Array.from({ length: commits }, (_, count) => [
          `nikdev-iot/0/as-long-as-ours/${this.count++}`,
          record.replace('0.5', `${count}.5`),
        ]);
      },
      run() {
        for (const [key, text] of this.items) localStorage.setItem(key, text);
      },
      after() {
        for (const [key] of this.items) localStorage.removeItem(key);
      },
    },
  };
  const times = { ours: [], bare: [] };
  // The first round warms up and is not counted.
  for (let round = -1; round < rounds; round++) {
    const ofRound = { ours: [], bare: [] };
    for (let iteration = 0; iteration < iterations; iteration++) {
      for (const [name, side] of Object.entries(sides)) {
        side.before?.();
        // The browser's own process still writes what was set before.
        await new Promise((resolve) => setTimeout(resolve, 20));
        const start = performance.now();
        side.run();
        ofRound[name].push(performance.now() - start);
        side.after();
      }
    }
    if (round < 0) continue;
    for (const name of Object.keys(sides))
      times[name].push(ofRound[name].sort((one, other) => one - other)[iterations >> 1]);
  }
  await api.close();
  return times;
}
