import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { newProfile, STARTABLE_BROWSERS } from '../support/browsers/started-browser.js';
import { credentials } from '../support/builders/credentials.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

const DIST = new URL('../../dist/', import.meta.url);

/** A worker that reports what it found, and then commits numbers, each of which it reports once `commit()` has returned. */
const workerOf = (first: number): string => `
  import { Api } from '/dist/index.js'
  import { opfsStorage } from '/dist/opfs.js'
  const report = (path, body) => {
    const request = new XMLHttpRequest()
    request.open('POST', path, false)
    request.send(JSON.stringify(body))
  }
  try {
    const storage = await opfsStorage('readings')
    const api = new Api({ ...${JSON.stringify({ ...credentials, baseUrl: 'http://127.0.0.1:9/' })}, storage })
    await api.ready
    const { durability, warnings } = api.status()
    report('/found', { durability, warnings, numbers: api.log().map(({ values }) => values[0].value) })
    for (let number = ${first}; ; number++) {
      api.addValue('value', number)
      api.commit()
      report('/committed', number)
    }
  } catch (error) {
    report('/found', { error: String(error) })
  }`;

interface Found {
  readonly durability: string;
  readonly warnings: readonly unknown[];
  readonly numbers: readonly number[];
}

/** Serves the page of the worker. */
async function serveCommitting() {
  const committed: number[] = [];
  const found: Found[] = [];
  const url = await serveOnLoopback(async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const script = (text: string): Response =>
      new Response(text, { headers: { 'content-type': 'text/javascript', 'cache-control': 'no-store' } });
    if (pathname === '/found') found.push(await request.json());
    if (pathname === '/committed') committed.push(await request.json());
    if (pathname === '/worker.js') return script(workerOf((committed.at(-1) ?? 0) + 1000));
    if (pathname.startsWith('/dist/')) return script(await readFile(new URL(`.${pathname.slice(5)}`, DIST), 'utf8'));
    const html = `<!doctype html><title>SDK</title><script>new Worker('/worker.js', { type: 'module' })</script>`;
    // A browser that was killed opens the page of the run before, too.
    const isPage = pathname === '/' && searchParams.get('run') === String(found.length);
    return new Response(isPage ? html : '', { headers: { 'content-type': 'text/html' } });
  });
  return { url, committed, found };
}

describe.each(STARTABLE_BROWSERS)('$name that is killed', (browser) => {
  const isSkipped = browser.path === undefined && !process.env['CI'];
  test.skipIf(isSkipped)(
    'keeps each entry that a worker has committed to opfsStorage, run after run',
    async () => {
      if (browser.path === undefined) throw new Error(`${browser.name} was not found.`);
      const profile = newProfile();
      const { url, committed, found } = await serveCommitting();
      for (let run = 0; run < 3; run++) {
        const before = committed.length;
        const kill = await browser.start(profile, `${url}?run=${run}`);
        await expect.poll(() => found.length, { timeout: 60_000 }).toBe(run + 1);
        // Some commits before the kill, at another moment in each run.
        await expect.poll(() => committed.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(before + 20 + 7 * run);
        await kill();
        const { durability, warnings, numbers } = found[run] as Found;
        expect({ durability, warnings }).toEqual({ durability: 'process', warnings: [] });
        const known = committed.slice(0, before);
        expect(known.filter((number) => !numbers.includes(number))).toEqual([]);
        expect(new Set(numbers).size).toBe(numbers.length);
      }
    },
    240_000,
  );
});
