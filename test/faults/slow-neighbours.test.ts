import { expect, test } from 'vitest';
import { memoryStorage } from '../../src/index.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { json, loopbackServer } from '../support/servers/loopback-server.js';

const deviceId = (index: number): string => `11111111-1111-4111-8111-${String(index).padStart(12, '0')}`;

test('F55 beside 120 devices at a server that hangs, each push to a healthy one starts at once', async () => {
  const hung = await loopbackServer(() => {});
  const healthy = await loopbackServer((_, response) => json(response, 200, { data: {} }));
  const common = { storage: memoryStorage(), autoPush: false, requestTimeout: 60 } as const;
  const stuck = Array.from({ length: 120 }, (_, index) =>
    openApi({ ...common, deviceId: deviceId(index), baseUrl: hung.baseUrl }),
  );
  for (const api of stuck) {
    commitEach(api, 1);
    api.push().catch(() => {});
  }
  await expect.poll(() => hung.requests.length, { timeout: 15_000 }).toBe(16);

  const well = Array.from({ length: 3 }, (_, index) =>
    openApi({ ...common, deviceId: deviceId(1000 + index), baseUrl: healthy.baseUrl }),
  );
  const results = await Promise.all(
    well.map((api) => {
      commitEach(api, 1);
      return api.push();
    }),
  );
  expect(results).toEqual(well.map(() => ({ pushed: 1, requests: 1, expired: 0 })));
  expect(healthy.requests).toHaveLength(3);
  // No time-out has made room for them.
  expect(hung.requests).toHaveLength(16);
});
