import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { answer, answerPage, listen, refuse } from '../demo/loopback.mjs';

/** An open page asks once a second. */
const POLL_MS = 1000;

/** The files that are served besides the page and its numbers. */
const FILES = new Map([
  ['/page.css', ['page/page.css', 'text/css; charset=utf-8']],
  ['/page.js', ['page/page.js', 'text/javascript; charset=utf-8']],
  ['/icon.svg', ['../dashboard/icon.svg', 'image/svg+xml']],
]);

/**
 * Serves the live page on loopback.
 *
 * @param {number} port - 0 for any that is free.
 * @param {() => object} readState - The numbers that the page shows.
 */
export async function servePage(port, readState) {
  let askedAt = -Infinity;
  const { server, url } = await listen(port, async (request) => {
    const { origin, pathname } = new URL(request.url);
    // Another host name that leads here is a page of another origin that asks in its own name (DNS rebinding).
    if (`${origin}/` !== url) return refuse(421, `The demo is at ${url} only.`);
    if (request.method !== 'GET') return refuse(405, 'Only GET is allowed.', { Allow: 'GET' });
    if (pathname === '/') return answerPage((await read('page/index.html')).toString());
    if (pathname === '/state.json') {
      askedAt = performance.now();
      return answer(JSON.stringify(readState()), { 'Content-Type': 'application/json' });
    }
    const [file, type] = FILES.get(pathname) ?? [];
    return file ? answer(await read(file), { 'Content-Type': type }) : refuse(404, 'There is nothing at this path.');
  });
  return {
    url,
    /** An open page gets the last state before. */
    async close() {
      if (performance.now() - askedAt < 2 * POLL_MS) await setTimeout(1.5 * POLL_MS);
      server.close();
      server.closeAllConnections();
    },
  };
}

const read = (file) => readFile(new URL(file, import.meta.url));
