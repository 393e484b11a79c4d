import { randomUUID } from 'node:crypto';
import { serve } from '@hono/node-server';
import { createEmulator } from 'nikdev-iot/emulator';
import { serveDashboard } from './dashboard-files.mjs';

/**
 * Starts an emulated NikDev server on loopback, with one device, and the dashboard beside it.
 *
 * @param {number} port - 0 for any that is free.
 * @param {{ id: string, label: string, unit: string }[]} fields - What the dashboard shows.
 */
export async function startServer(port, fields) {
  const deviceId = randomUUID();
  const [deviceKey, readerKey] = [randomUUID(), randomUUID()];
  const emulator = createEmulator({
    devices: [
      {
        deviceId,
        apiKeys: [
          { key: deviceKey, read: false, write: true },
          { key: readerKey, read: true, write: false },
        ],
      },
    ],
  });

  let dashboard;
  const { server, url } = await listen(port, (request) =>
    new URL(request.url).pathname.startsWith('/api/v1/') ? emulator.fetch(request) : dashboard(request),
  );
  const baseUrl = `${url}api/v1/`;
  dashboard = serveDashboard({ deviceId, apiKey: readerKey, baseUrl, fields });

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
    deviceEnvironment: environment(deviceKey),
    readerEnvironment: environment(readerKey),
    entries: () => emulator.entries(deviceId),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listen(port, fetch) {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, port, hostname: '127.0.0.1' }, (address) =>
      resolve({ server, url: `http://127.0.0.1:${address.port}/` }),
    );
    server.once('error', reject);
  });
}
