import { inChromium } from './chromium.mjs';
import { ratioRow, row } from './compare.mjs';
import { commitTwo, credentials } from './data.mjs';

const WHAT = {
  0: 'commit into localStorage, Chromium: time against bare setItem',
  10000: 'commit into localStorage, Chromium: the same with 10,000 queued',
};

/** Committing two values in a page, against setting an item of the same text under a new key. */
export async function commitIntoLocalStorage() {
  const rows = await inChromium(async (browser, open) => {
    const measured = [];
    for (const [queued, what] of Object.entries(WHAT)) {
      // A context has a storage of its own.
      const context = await browser.newContext();
      const { page } = await open(context);
      const { ours, bare } = await page.evaluate(measure, { credentials, queued: Number(queued) });
      measured.push(ratioRow(what, { most: 1.5 }, ours, bare));
      await context.close();
    }
    return measured;
  });
  return rows ?? Object.values(WHAT).map((what) => row(what, 'no Chromium found: set CHROME_PATH', '≤ 1.50×'));
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
