import { createEmulator } from 'nikdev-iot/emulator';
import { listen } from '../demo/loopback.mjs';

const ANY_PORT = 0;

/**
 * Starts an emulated NikDev server on loopback.
 *
 * @param {{ deviceId: string, apiKey: string }[]} devices
 * @param {(deviceId: string, values: number[]) => void} onUpload - Called after each upload that was
 * answered with a success.
 */
export async function startUpstream(devices, onUpload) {
  const emulator = createEmulator({
    devices: devices.map(({ deviceId, apiKey }) => ({ deviceId, apiKeys: [{ key: apiKey, read: true, write: true }] })),
  });
  const { server, url } = await listen(ANY_PORT, async (request) => {
    const body = request.method === 'POST' ? await request.text() : undefined;
    const response = await emulator.fetch(new Request(request.url, { ...partsOf(request), body }));
    if (body !== undefined && response.ok) onUpload(request.headers.get('x-device-id'), valuesOf(body));
    return response;
  });
  return {
    baseUrl: `${url}api/v1/`,
    /** @returns {number[]} The values that the server holds of a device, repeated ones too. */
    valuesOf: (deviceId) => emulator.entries(deviceId).flatMap(({ values }) => values.map(({ value }) => value)),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const partsOf = ({ method, headers }) => ({ method, headers });

/** The values of an upload as it stands on the wire. */
const valuesOf = (body) =>
  JSON.parse(body).entries.flatMap(({ values }) => values.flatMap((fields) => Object.values(fields)));
