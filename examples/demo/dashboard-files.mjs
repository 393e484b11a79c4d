import { readFile } from 'node:fs/promises';

const HTML = 'text/html; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

/** All that is served: a path that is not here leads nowhere, whatever it contains. */
const FILES = new Map([
  ['/', ['../dashboard/index.html', HTML]],
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
  return async ({ method, url }) => {
    if (method !== 'GET' && method !== 'HEAD')
      return new Response(null, { status: 405, headers: { Allow: 'GET, HEAD' } });
    const { pathname } = new URL(url);
    if (pathname === '/config.js') return answer(configScript, SCRIPT);
    const [file, type] = FILES.get(pathname) ?? [];
    return file ? answer(await readFile(new URL(file, import.meta.url)), type) : new Response(null, { status: 404 });
  };
}

function answer(body, type) {
  return new Response(body, {
    headers: { 'Content-Type': type, 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' },
  });
}
