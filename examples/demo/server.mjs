import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Control } from './control.mjs';
import { serveControl } from './control-routes.mjs';
import { serveDashboard } from './dashboard-files.mjs';
import { listen, refuse } from './loopback.mjs';
import { OutageListener } from './outage.mjs';
import { Store } from './store.mjs';

const API = '/api/v1/';
/** A server that is not near: a long queue is seen to drain. */
const UPLOAD_MS = 250;

/**
 * Starts an emulated NikDev server on loopback, with one device, and the dashboard beside it.
 *
 * @param {object} options
 * @param {number} options.port - 0 for any free port.
 * @param {{ id: string, label: string, unit?: string, input?: 'number' | 'text' | 'boolean' }[]} options.fields - Shown by the
 * dashboard and, where there is an `input`, entered there.
 * @param {string} options.folder - Where the device keeps its queue.
 * @param {string} [options.allowedOrigin] - Of pages that may use the server beside the dashboard.
 * @param {number} [options.outageSeconds] - The length of an outage that the dashboard asks for.
 */
export async function startServer({ port, fields, folder, allowedOrigin, outageSeconds = 30 }) {
  const deviceId = randomUUID();
  const [deviceKey, readerKey, dashboardKey] = [randomUUID(), randomUUID(), randomUUID()];
  const apiKeys = [
    { key: deviceKey, read: false, write: true },
    { key: readerKey, read: true, write: false },
    { key: dashboardKey, read: true, write: true },
  ];
  const control = new Control({ outageSeconds });
  const store = new Store({ deviceId, apiKeys }, (numbers) => control.onStored(numbers));
  // A port of its own, which can be closed while the dashboard stays.
  const outage = new OutageListener(async (request) => {
    if (request.method === 'POST') await sleep(UPLOAD_MS);
    return store.fetch(request);
  });

  let dashboard;
  const controls = serveControl(control, store);
  const { server, url } = await listen(port, async (request) => {
    const { origin, pathname } = new URL(request.url);
    // Another host name that leads here is a page of another origin that asks in its own name (DNS rebinding).
    if (`${origin}/` !== url) return refuse(421, `The demo is at ${url} only.`);
    if (pathname.startsWith('/demo/')) return controls(request);
    if (!pathname.startsWith(API)) return dashboard(request);
    const isAllowed = allowedOrigin !== undefined && request.headers.get('Origin') === allowedOrigin;
    return withOrigin(await ask(request), isAllowed ? allowedOrigin : origin);
  });
  const ask = (request) =>
    outage.isUp ? store.fetch(request) : Response.json({ message: 'Down for a moment' }, { status: 503 });
  const deviceUrl = await outage.start();
  dashboard = serveDashboard({
    name: 'Boiler room',
    deviceId,
    apiKey: dashboardKey,
    baseUrl: url + API.slice(1),
    everySeconds: 1,
    history: 'demo/history',
    demo: 'demo/',
    fields,
  });

  // Settings of another device, of whoever runs this, have no place here.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('NIKDEV_'));
  const environment = (apiKey) => ({
    ...Object.fromEntries(inherited),
    NIKDEV_DEVICE_ID: deviceId,
    NIKDEV_API_KEY: apiKey,
    NIKDEV_BASE_URL: deviceUrl + API.slice(1),
  });
  return {
    url,
    control,
    outage,
    /** For a process that writes, and for one that reads. */
    deviceEnvironment: { ...environment(deviceKey), NIKDEV_FOLDER: folder },
    readerEnvironment: environment(readerKey),
    entries: () => store.entries(),
    close() {
      control.close();
      outage.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The emulator answers pages of any origin; the dashboard has a key that pages of other origins must not use. */
function withOrigin(answer, origin) {
  answer.headers.set('Access-Control-Allow-Origin', origin);
  answer.headers.append('Vary', 'Origin');
  return answer;
}
