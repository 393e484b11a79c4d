import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import type { FetchLike } from '../../src/index.js';
import { openApi } from '../support/builders/api.js';
import { asHandler, oneDevice } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

/** Over XMLHttpRequest; its responses have no stream. */
const { fetch } = createRequire(import.meta.url)('whatwg-fetch') as { fetch: FetchLike };

test('F53 the fetch of whatwg-fetch stores and reads', async () => {
  const baseUrl = `${await serveOnLoopback(asHandler(oneDevice()))}api/v1/`;
  const api = openApi({ fetch, baseUrl });
  api.addValue('place', 'Küche');
  expect(await api.commitAndPush()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  expect(await api.get('place')).toMatchObject([{ value: 'Küche' }]);
});
