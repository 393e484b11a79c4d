import { readFile } from 'node:fs/promises';
import { answer, answerPage, refuse } from './loopback.mjs';

const CSS = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

const STYLES = ['cards', 'dashboard', 'device', 'panels'];
const SCRIPTS = [
  'activity',
  'card',
  'cards',
  'chart',
  'chart-cursor',
  'connection',
  'dashboard',
  'device',
  'explain',
  'form',
  'history',
  'link',
  'page',
  'past',
  'queue',
  'queue-chart',
  'reading',
  'series',
  'text',
  'view',
];
const dashboardFiles = (names, extension, type) =>
  names.map((name) => [`/${name}.${extension}`, [`../dashboard/${name}.${extension}`, type]]);

/** All that is served: a path that is not here leads nowhere, whatever it contains. */
const FILES = new Map([
  ...dashboardFiles(STYLES, 'css', CSS),
  ...dashboardFiles(SCRIPTS, 'js', SCRIPT),
  ['/icon.svg', ['../dashboard/icon.svg', 'image/svg+xml']],
  ['/nikdev-iot.umd.js', ['../../dist/index.umd.js', SCRIPT]],
  ['/uPlot.iife.min.js', ['../../node_modules/uplot/dist/uPlot.iife.min.js', SCRIPT]],
  ['/uPlot.min.css', ['../../node_modules/uplot/dist/uPlot.min.css', CSS]],
]);

/**
 * Serves the dashboard.
 *
 * @param {object} config - The settings of `config.js`, in place of those in the folder.
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
