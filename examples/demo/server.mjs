import { randomUUID } from 'node:crypto';
import { createEmulator } from 'nikdev-iot/emulator';
import { serveDashboard } from './dashboard-files.mjs';
import { listen, refuse } from './loopback.mjs';

/**
 * Starts an emulated NikDev server on loopback, with one device, and the dashboard beside it.
 *
 * @param {object} options
 * @param {number} options.port - 0 for any that is free.
 * @param {{ id: string, label: string, unit?: string, input?: 'number' | 'text' | 'boolean' }[]} options.fields - What the
 * dashboard shows and, where there is an `input`, writes.
 * @param {string} options.folder - Where the device keeps what it has not pushed.
 * @param {string} [options.allowedOrigin] - Of pages that may ask the server beside the dashboard.
 */
export async function startServer({ port, fields, folder, allowedOrigin }) {
  const deviceId = randomUUID();
  const [deviceKey, readerKey, dashboardKey] = [randomUUID(), randomUUID(), randomUUID()];
  const emulator = createEmulator({
    devices: [
      {
        deviceId,
        apiKeys: [
          { key: deviceKey, read: false, write: true },
          { key: readerKey, read: true, write: false },
          { key: dashboardKey, read: true, write: true },
        ],
      },
    ],
  });

  let dashboard;
  const { server, url } = await listen(port, async (request) => {
    const { origin, pathname } = new URL(request.url);
    // Another host name that leads here is a page of another origin that asks in its own name (DNS rebinding).
    if (`${origin}/` !== url) return refuse(421, `The demo is at ${url} only.`);
    if (!pathname.startsWith('/api/v1/')) return dashboard(request);
    const isAllowed = allowedOrigin !== undefined && request.headers.get('Origin') === allowedOrigin;
    return withOrigin(await emulator.fetch(request), isAllowed ? allowedOrigin : origin);
  });
  const baseUrl = `${url}api/v1/`;
  dashboard = serveDashboard({ deviceId, apiKey: dashboardKey, baseUrl, everySeconds: 1, fields });

  // Settings of another device, of whoever runs this, have no place here.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('NIKDEV_'));
  const environment = (apiKey) => ({
    ...Object.fromEntries(inherited),
    NIKDEV_DEVICE_ID: deviceId,
    NIKDEV_API_KEY: apiKey,
    NIKDEV_BASE_URL: baseUrl,
  });
  return {
    url,
    /** For a process that writes, and for one that reads. */
    deviceEnvironment: { ...environment(deviceKey), NIKDEV_FOLDER: folder },
    readerEnvironment: environment(readerKey),
    entries: () => emulator.entries(deviceId),
    close() {
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
