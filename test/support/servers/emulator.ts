import { createEmulator, type Emulator } from '../../../src/emulator.js';

import type { PageOptions } from '../builders/credentials.js';
import { API_KEY, credentials, DEVICE_ID } from '../builders/credentials.js';
import { serveOnLoopback } from './serve-on-loopback.js';

/** A NikDev server with one device, whose key may do everything. */
export function oneDevice(): Emulator {
  return createEmulator({ devices: [{ deviceId: DEVICE_ID, apiKeys: [{ key: API_KEY, read: true, write: true }] }] });
}

/** The emulator as a fetch handler. */
export const asHandler =
  (emulator: Emulator) =>
  (request: Request): Promise<Response> =>
    emulator.fetch(request) as Promise<Response>;

/** An emulator on an origin of its own, so that its CORS headers are really asked for. */
export async function serveEmulator(): Promise<{
  emulator: Emulator;
  options: PageOptions & { readonly baseUrl: string };
}> {
  const emulator = oneDevice();
  const url = await serveOnLoopback(asHandler(emulator));
  return { emulator, options: { ...credentials, baseUrl: `${url}api/v1/` } };
}

/** The values that an emulator stored. */
export function storedTexts(emulator: Emulator): unknown[] {
  return emulator.entries(DEVICE_ID).map(({ values }) => values[0]?.value);
}
