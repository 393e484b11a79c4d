import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Control } from './control.mjs';
import { serveControl } from './control-routes.mjs';
import { serveDashboard } from './dashboard-files.mjs';
import { listen, refuse } from './loopback.mjs';
import { OutageListener } from './outage.mjs';
import { Store } from './store.mjs';

const API = '/api/v1/';
const baseUrlOf = (url) => url + API.slice(1);
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
  const { deviceId, keys, apiKeys } = makeCredentials();
  const control = new Control({ outageSeconds });
  const store = new Store({ deviceId, apiKeys }, (numbers) => control.onStored(numbers));
  // A port of its own, which can be closed while the dashboard stays.
  const outage = new OutageListener((request) => answerDevice(store, request));

  const parts = { controls: serveControl(control, store), store, outage, allowedOrigin };
  const { server, url } = await listen(port, (request) => answerPage(request, parts));
  parts.url = url;
  const deviceUrl = await outage.start();
  parts.dashboard = serveDashboard({
    name: 'Boiler room',
    deviceId,
    apiKey: keys.dashboard,
    baseUrl: baseUrlOf(url),
    everySeconds: 1,
    history: 'demo/history',
    demo: 'demo/',
    fields,
  });

  const environment = (apiKey) => ({
    ...inheritedEnvironment(),
    NIKDEV_DEVICE_ID: deviceId,
    NIKDEV_API_KEY: apiKey,
    NIKDEV_URL: baseUrlOf(deviceUrl),
  });
  return {
    url,
    control,
    outage,
    /** For a process that writes, and for one that reads. */
    deviceEnvironment: { ...environment(keys.device), NIKDEV_DIR: folder },
    readerEnvironment: environment(keys.reader),
    entries: () => store.entries(),
    close() {
      control.close();
      outage.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

function makeCredentials() {
  const keys = { device: randomUUID(), reader: randomUUID(), dashboard: randomUUID() };
  const apiKeys = [
    { key: keys.device, read: false, write: true },
    { key: keys.reader, read: true, write: false },
    { key: keys.dashboard, read: true, write: true },
  ];
  return { deviceId: randomUUID(), keys, apiKeys };
}

async function answerDevice(store, request) {
  if (request.method === 'POST') await sleep(UPLOAD_MS);
  return store.fetch(request);
}

async function answerPage(request, { url, controls, dashboard, store, outage, allowedOrigin }) {
  const { origin, pathname } = new URL(request.url);
  // Another host name that leads here is a page of another origin that asks in its own name (DNS rebinding).
  if (`${origin}/` !== url) return refuse(421, `The demo is at ${url} only.`);
  if (pathname.startsWith('/demo/')) return controls(request);
  if (!pathname.startsWith(API)) return dashboard(request);
  const isAllowed = allowedOrigin !== undefined && request.headers.get('Origin') === allowedOrigin;
  const answer = outage.isUp ? await store.fetch(request) : unavailable();
  return withOrigin(answer, isAllowed ? allowedOrigin : origin);
}

const unavailable = () => Response.json({ message: 'Down for a moment' }, { status: 503 });

/** The emulator answers pages of any origin; the dashboard has a key that pages of other origins must not use. */
function withOrigin(answer, origin) {
  answer.headers.set('Access-Control-Allow-Origin', origin);
  answer.headers.append('Vary', 'Origin');
  return answer;
}

/** Settings of another device, of whoever runs this, have no place in the demo. */
function inheritedEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NIKDEV_')));
}
