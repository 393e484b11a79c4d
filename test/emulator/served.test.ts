import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { AWKWARD_IDS, DEVICE, HEADERS, NOW, read, standing, upload, valuesPath } from './helpers.js';

let server: ServerType | undefined;

afterEach(() => {
  vi.restoreAllMocks();
  (server as { closeAllConnections?(): void } | undefined)?.closeAllConnections?.();
  server?.close();
});

// The one that overrides comes last: it does so for good.
describe.each([false, true])('served by @hono/node-server, overrideGlobalObjects: %s', (overrideGlobalObjects) => {
  test('stores and reads back over a real connection', async () => {
    const { emulator, url } = await start();
    const answer = await fetch(`${url}entries/`, uploadOf(...AWKWARD_IDS.map((id, index) => [id, index] as const)));
    expect(await read(answer)).toEqual({ status: 200, json: { data: {} } });
    expect(answer.headers.get('Date')).toBe(new Date(NOW * 1000).toUTCString());
    expect(emulator.entries(DEVICE)).toHaveLength(1);
    const { json } = await read(fetch(url + valuesPath(AWKWARD_IDS), { headers: HEADERS }));
    const received = json.data.values.flatMap((field: object) => Object.entries(field));
    expect(received).toEqual(AWKWARD_IDS.map((id, value) => [id, { value, timestamp: NOW }]));
  });

  test('a cut answer fails the client in the body, after the upload was stored', async () => {
    const { emulator, url } = await start();
    // The server reports the broken body there.
    vi.spyOn(console, 'error').mockImplementation(() => {});
    emulator.script({ cut: true });
    const answer = await fetch(`${url}entries/`, uploadOf(['a', 1]));
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow(TypeError);
    expect(emulator.entries(DEVICE)).toHaveLength(1);
  });

  test('a hanging request ends when the client gives up', async () => {
    const { emulator, url } = await start();
    emulator.script({ hang: true });
    const answer = fetch(`${url}entries/`, { ...uploadOf(['a', 1]), signal: AbortSignal.timeout(50) });
    await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(emulator.entries(DEVICE)).toEqual([]);
    expect(emulator.requests).toMatchObject([{ status: undefined, entries: 1 }]);
  });

  async function start() {
    const emulator = standing();
    const { port } = await new Promise<AddressInfo>((resolve) => {
      server = serve({ fetch: emulator.fetch, hostname: '127.0.0.1', port: 0, overrideGlobalObjects }, resolve);
    });
    return { emulator, url: `http://127.0.0.1:${port}/api/v1/` };
  }
});

function uploadOf(...values: readonly (readonly [string, unknown])[]): RequestInit {
  return { method: 'POST', headers: HEADERS, body: JSON.stringify(upload(...values)) };
}
