import { readFile } from 'node:fs/promises';

const HTML = 'text/html; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

/** All that is served: a path that is not here leads nowhere, whatever it contains. */
const FILES = new Map([
  ['/dashboard.css', ['../dashboard/dashboard.css', CSS]],
  ...['activity', 'card', 'chart', 'connection', 'dashboard', 'form', 'link', 'page', 'queue', 'reading', 'text'].map(
    (name) => [`/${name}.js`, [`../dashboard/${name}.js`, SCRIPT]],
  ),
  ['/icon.svg', ['../dashboard/icon.svg', 'image/svg+xml']],
  ['/nikdev-iot.umd.js', ['../../dist/index.umd.js', SCRIPT]],
  ['/uPlot.iife.min.js', ['../../node_modules/uplot/dist/uPlot.iife.min.js', SCRIPT]],
  ['/uPlot.min.css', ['../../node_modules/uplot/dist/uPlot.min.css', CSS]],
]);

/**
 * Serves the dashboard.
 *
 * @param {object} config - What `config.js` sets in place of the one in the folder.
 * @returns {(request: Request) => Promise<Response>}
 */
export function serveDashboard(config) {
  const configScript = `window.DASHBOARD = ${JSON.stringify(config)};\n`;
  const page = async () =>
    (await read('../dashboard/index.html'))
      .toString()
      .replace('https://iot.nik-dev.se', new URL(config.baseUrl).origin);
  return async ({ method, url }) => {
    if (method !== 'GET' && method !== 'HEAD')
      return refuse(405, 'Only GET and HEAD are allowed.', { Allow: 'GET, HEAD' });
    const { pathname } = new URL(url);
    if (pathname === '/') return answerPage(await page());
    if (pathname === '/config.js') return answer(configScript, { 'Content-Type': SCRIPT });
    const [file, type] = FILES.get(pathname) ?? [];
    return file ? answer(await read(file), { 'Content-Type': type }) : refuse(404, 'There is nothing at this path.');
  };
}

const read = (file) => readFile(new URL(file, import.meta.url));

const FRAMED_BY_NONE = "frame-ancestors 'none'";

/** `config.js` holds a key: no other origin may load it as a script, or put the page into a frame. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Content-Security-Policy': FRAMED_BY_NONE,
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
};

const answer = (body, headers) => new Response(body, { headers: { ...HEADERS, ...headers } });

/** @returns {Response} An answer that says why nothing is here. */
export const refuse = (status, reason, headers) =>
  new Response(`${reason}\n`, { status, headers: { ...HEADERS, 'Content-Type': 'text/plain', ...headers } });

/** The policy of the page, as a header: there it can forbid frames too. */
function answerPage(html) {
  const [, policy] = /Content-Security-Policy" content="([^"]+)"/.exec(html);
  return answer(html, { 'Content-Type': HTML, 'Content-Security-Policy': `${policy}; ${FRAMED_BY_NONE}` });
}
