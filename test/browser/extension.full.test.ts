import { describe, expect, test } from 'vitest';
import { findChromium } from '../support/browsers/chromium.js';
import type { WorkerGlobals } from '../support/browsers/dedicated-worker.js';
import type { Evaluates } from '../support/browsers/every-browser.js';
import { startExtension } from '../support/browsers/extension.js';
import type { PageOptions } from '../support/builders/credentials.js';
import { credentials } from '../support/builders/credentials.js';
import { asHandler, oneDevice, storedTexts } from '../support/servers/emulator.js';
import { serveOnLoopback } from '../support/servers/serve-on-loopback.js';

/** An emulator that allows no other origin. */
async function serveWithoutCors() {
  const emulator = oneDevice();
  const url = await serveOnLoopback(async (request) => {
    if (request.method === 'OPTIONS') return new Response(null, { status: 405 });
    const response = await asHandler(emulator)(request);
    const headers = [...response.headers].filter(([name]) => !name.startsWith('access-control-'));
    return new Response(response.body, { status: response.status, headers });
  });
  return { emulator, options: { ...credentials, baseUrl: `${url}api/v1/` } };
}

/** Commits and pushes a text in the service worker. @returns The message of the exception, if there was one. */
const commitAndPush = (worker: Evaluates, options: PageOptions): Promise<string> =>
  worker.evaluate(async (given) => {
    const { NikDevIoT } = globalThis as unknown as WorkerGlobals;
    const api = new NikDevIoT.Api(given);
    api.addValue('value', 'from an extension');
    return api.commitAndPush().then(
      () => '',
      (exception) => String(exception),
    );
  }, options);

describe.skipIf(findChromium() === undefined && !process.env['CI'])(
  'the service worker of an extension, in Chromium',
  { timeout: 60_000 },
  () => {
    test('keeps entries in memory, warns of it, and pushes to a host that its manifest names and that allows no other origin', async () => {
      const { emulator, options } = await serveWithoutCors();
      const worker = await startExtension({ host_permissions: ['http://127.0.0.1/*'] });
      const seen = await worker.evaluate(async (given) => {
        const { NikDevIoT, opfsStorage } = globalThis as unknown as WorkerGlobals;
        const apis = [
          new NikDevIoT.Api(given),
          new NikDevIoT.Api({ ...given, storage: await opfsStorage('readings') }),
        ];
        await Promise.all(apis.map(({ ready }) => ready));
        return apis.map((api) => {
          const { durability, warnings } = api.status();
          return { durability, warnings };
        });
      }, options);
      expect(seen).toEqual([
        {
          durability: 'none',
          warnings: [{ code: 'storage-unavailable', message: expect.stringMatching(/commitAndPush\(\)/) }],
        },
        {
          durability: 'none',
          warnings: [{ code: 'storage-unavailable', message: expect.stringMatching(/new Worker\(…\)/) }],
        },
      ]);
      expect(await commitAndPush(worker, options)).toBe('');
      expect(storedTexts(emulator)).toEqual(['from an extension']);
    });

    test('cannot push to a host that its manifest does not name and that allows no other origin', async () => {
      const { emulator, options } = await serveWithoutCors();
      const worker = await startExtension({ host_permissions: [] });
      expect(await commitAndPush(worker, options)).toMatch(/^PushException: Bad luck: /);
      expect(storedTexts(emulator)).toEqual([]);
    });
  },
);
