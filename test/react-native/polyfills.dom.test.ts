import { createRequire } from 'node:module';
import { afterEach, expect, test, vi } from 'vitest';
import { openApi } from '../support/builders/api.js';
import { oneDevice } from '../support/servers/emulator.js';
import { json, loopbackServer } from '../support/servers/loopback-server.js';

/** React Native's `fetch` and its classes are those of this package, over XMLHttpRequest: a response has no `body`. */
const polyfill = createRequire(import.meta.url)('whatwg-fetch') as Record<string, unknown>;

afterEach(() => void vi.unstubAllGlobals());

test("F53 the platform's own fetch may be React Native's: it stores and reads", async () => {
  const values = { data: { servertime: 1_700_000_000, values: [{ place: { value: 'Küche', timestamp: 1 } }] } };
  const { baseUrl } = await loopbackServer((request, response) => {
    response.setHeader('access-control-allow-origin', '*').setHeader('access-control-allow-headers', '*');
    json(response, 200, request.method === 'GET' ? values : { data: {} });
  });
  for (const name of ['fetch', 'Request', 'Response', 'Headers']) vi.stubGlobal(name, polyfill[name]);
  const api = openApi({ baseUrl });
  api.addValue('place', 'Küche');
  expect(await api.commitAndPush()).toMatchObject({ pushed: 1, requests: 1 });
  expect(await api.get('place')).toMatchObject([{ value: 'Küche' }]);
});

test("F53 the emulator answers with React Native's Response", async () => {
  for (const name of ['fetch', 'Request', 'Response', 'Headers']) vi.stubGlobal(name, polyfill[name]);
  const api = openApi({ fetch: oneDevice().fetch });
  api.addValue('place', 'Küche');
  expect(await api.commitAndPush()).toMatchObject({ pushed: 1, requests: 1 });
  expect(await api.get('place')).toMatchObject([{ value: 'Küche' }]);
});
