import { expect, test } from 'vitest';
import {
  inWorker,
  openInWorker,
  startWorker,
  terminate,
  type WorkerGlobals,
} from '../support/browsers/dedicated-worker.js';
import { describeInEveryBrowser, type Evaluates, SOON } from '../support/browsers/every-browser.js';
import { servePages } from '../support/browsers/pages.js';
import { serveEmulator, storedTexts } from '../support/servers/emulator.js';

/** Commits each text in a worker as an entry of its own. */
const commitInWorker = (worker: Evaluates, texts: readonly string[]): Promise<number> =>
  worker.evaluate((given) => {
    const { api } = globalThis as unknown as WorkerGlobals;
    for (const text of given) {
      api.addValue('value', text);
      api.commit();
    }
    return api.status().committed;
  }, texts);

/** The texts that are queued in a worker, once it has looked for orphans. */
const queuedIn = (worker: Evaluates): Promise<unknown[]> =>
  worker.evaluate(async () => {
    const { api } = globalThis as unknown as WorkerGlobals;
    await api.ready;
    return api.log().map(({ values }) => values[0]?.value);
  });

const pushFrom = (worker: Evaluates): Promise<unknown> =>
  worker.evaluate(() => (globalThis as unknown as WorkerGlobals).api.push());

const statusOf = (worker: Evaluates) =>
  worker.evaluate(async () => {
    const { api } = globalThis as unknown as WorkerGlobals;
    await api.ready;
    const { durability, warnings } = api.status();
    return { durability, warnings };
  });

/** The size of each file of the folder; empty where the browser has no such folder. */
const fileSizes = (page: Evaluates): Promise<number[]> =>
  page.evaluate(async () => {
    const sizes: number[] = [];
    const root = await navigator.storage?.getDirectory?.();
    const folder = await root?.getDirectoryHandle('nikdev-iot', { create: true });
    const files = await folder?.getDirectoryHandle('readings', { create: true });
    for await (const handle of (files?.values() ?? []) as AsyncIterable<FileSystemFileHandle>)
      sizes.push((await handle.getFile()).size);
    return sizes;
  });

/** The remedies that the warnings name. */
const PUSH_AFTER_EACH_COMMIT = /entries wait in memory.* Push after each commit \(commitAndPush\(\)\)/;
const CALL_IT_IN_A_WORKER = /Entries wait in memory.* Call it in a worker that a page starts with new Worker\(…\)/;
const NOT_IN_THIS_BROWSER = /WebKitGTK.* Entries wait in memory.* or push after each commit \(commitAndPush\(\)\)/;

describeInEveryBrowser('opfsStorage in a dedicated worker', ({ newContext, cannot: { keepPrivateFiles } }) => {
  test.skipIf(keepPrivateFiles)(
    'keeps what it commits over terminate() and a reload, for the next worker, once',
    async () => {
      const { emulator, options } = await serveEmulator();
      const tab = await (await newContext()).newTab(`${await servePages()}empty`);
      const first = await openInWorker(tab, 'first', options);
      expect(await statusOf(first)).toEqual({ durability: 'process', warnings: [] });
      await commitInWorker(first, ['1', '2', '3']);
      await terminate(tab, 'first');
      const second = await openInWorker(tab, 'second', options);
      await expect.poll(() => queuedIn(second), SOON).toEqual(['1', '2', '3']);
      await commitInWorker(second, ['4']);
      await tab.reload();
      const third = await openInWorker(tab, 'third', options);
      expect(new Set(await queuedIn(third))).toEqual(new Set(['1', '2', '3', '4']));
      expect(await pushFrom(third)).toMatchObject({ pushed: 4, requests: 1 });
      await tab.reload();
      const fourth = await openInWorker(tab, 'fourth', options);
      expect(await queuedIn(fourth)).toEqual([]);
      expect(storedTexts(emulator).sort()).toEqual(['1', '2', '3', '4']);
      expect(await statusOf(fourth)).toEqual({ durability: 'process', warnings: [] });
    },
  );

  test.skipIf(keepPrivateFiles)(
    'shares a folder with the worker of another tab, and takes nothing from it while it lives',
    async () => {
      const { emulator, options } = await serveEmulator();
      const context = await newContext();
      const url = `${await servePages()}empty`;
      const [one, other] = [await context.newTab(url), await context.newTab(url)];
      const living = await openInWorker(one, 'living', options);
      const second = await openInWorker(other, 'second', options);
      await commitInWorker(living, ['a', 'b']);
      await commitInWorker(second, ['c']);
      const third = await openInWorker(other, 'third', options);
      expect(await queuedIn(third)).toEqual([]);
      await one.close();
      const heir = await openInWorker(other, 'heir', options);
      await expect.poll(() => queuedIn(heir), SOON).toEqual(['a', 'b']);
      await pushFrom(heir);
      await pushFrom(second);
      expect(storedTexts(emulator)).toEqual(['a', 'b', 'c']);
    },
  );

  test.skipIf(keepPrivateFiles)(
    'rewrites its files, without those that left, as hundreds of entries come and go around one that stays',
    async () => {
      const { options } = await serveEmulator();
      const tab = await (await newContext()).newTab(`${await servePages()}empty`);
      await startWorker(tab, 'worker');
      const other = { ...options, deviceId: '44444444-4444-4444-8444-444444444444' };
      const written = await inWorker(tab, 'worker').evaluate(
        async (given) => {
          const { NikDevIoT, opfsStorage } = globalThis as unknown as WorkerGlobals;
          const storage = await opfsStorage('readings');
          const [api, other] = given.map((each) => new NikDevIoT.Api({ ...each, storage, autoPush: false }));
          if (api === undefined || other === undefined) throw new Error('no Api');
          await Promise.all([api.ready, other.ready]);
          other.addValue('value', 'stays');
          other.commit();
          let bytes = 0;
          const commit = (text: string): void => {
            bytes += text.length;
            api.addValue('value', text);
            api.commit();
          };
          for (let round = 0; round < 6; round++) {
            for (let entry = 0; entry < 100; entry++) commit(`${round} ${entry} ${'x'.repeat(300)}`);
            await api.push();
          }
          for (let entry = 0; entry < 20; entry++) commit(`last ${entry}`);
          return bytes;
        },
        [options, other],
      );
      expect(written).toBeGreaterThan(128 * 1024);
      await terminate(tab, 'worker');
      const sizes = await fileSizes(tab);
      expect(sizes).toHaveLength(2);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(100_000);
      const next = await openInWorker(tab, 'next', options);
      const last = Array.from({ length: 20 }, (_, entry) => `last ${entry}`);
      await expect.poll(() => queuedIn(next), SOON).toEqual(last);
      await terminate(tab, 'next');
      const heir = await openInWorker(tab, 'heir', other);
      await expect.poll(() => queuedIn(heir), SOON).toEqual(['stays']);
      expect(await statusOf(heir)).toMatchObject({ durability: 'process' });
    },
  );
});

describeInEveryBrowser('opfsStorage elsewhere', ({ newContext, cannot: { keepPrivateFiles } }) => {
  test('keeps entries in memory, and warnings say what to do, in shared and service workers too', async () => {
    const { options } = await serveEmulator();
    const worker = `import { Api } from '/dist/index.js'
      import { opfsStorage } from '/dist/opfs.js'
      const reply = async (port) => {
        const storages = [undefined, await opfsStorage('readings')]
        const apis = storages.map((storage) => new Api({ ...${JSON.stringify(options)}, storage }))
        await Promise.all(apis.map(({ ready }) => ready))
        port.postMessage(apis.map((api) => {
          const { durability, warnings } = api.status()
          return { durability, warnings }
        }))
      }
      self.onconnect = ({ ports: [port] }) => void reply(port)
      self.onmessage = ({ ports: [port] }) => void reply(port)`;
    const page = `<!doctype html><title>SDK</title><link rel="icon" href="data:,"><script type="module">
      import * as NikDevIoT from '/dist/index.js'
      import { opfsStorage } from '/dist/opfs.js'
      Object.assign(window, { NikDevIoT, opfsStorage })
    </script>`;
    const tab = await (await newContext()).newTab(`${await servePages({ '/worker.js': worker, '/page': page })}page`);
    await expect.poll(() => tab.evaluate(() => 'opfsStorage' in window), SOON).toBe(true);
    const seen = await tab.evaluate(async (given) => {
      const { NikDevIoT, opfsStorage } = globalThis as unknown as WorkerGlobals;
      const api = new NikDevIoT.Api({ ...given, storage: await opfsStorage('readings') });
      await api.ready;
      const { durability, warnings } = api.status();
      const answerOf = (port: MessagePort): Promise<unknown> =>
        new Promise((resolve) => {
          port.onmessage = ({ data }) => resolve(data);
        });
      const shared = await answerOf(new SharedWorker('/worker.js', { type: 'module' }).port);
      await navigator.serviceWorker.register('/worker.js', { type: 'module' });
      const { active } = await navigator.serviceWorker.ready;
      const { port1, port2 } = new MessageChannel();
      active?.postMessage(null, [port2]);
      return { durability, warnings, shared, service: await answerOf(port1) };
    }, options);
    const inMemory = (remedy: RegExp) => ({
      durability: 'none',
      warnings: [{ code: 'storage-unavailable', message: expect.stringMatching(remedy) }],
    });
    const ofOpfs = inMemory(keepPrivateFiles ? NOT_IN_THIS_BROWSER : CALL_IT_IN_A_WORKER);
    const inWorkers = [inMemory(PUSH_AFTER_EACH_COMMIT), ofOpfs];
    expect(seen).toEqual({ ...ofOpfs, shared: inWorkers, service: inWorkers });
    if (!keepPrivateFiles) expect(await fileSizes(tab)).toEqual([]);
    await startWorker(tab, 'dedicated');
    const dedicated = inWorker(tab, 'dedicated').evaluate(
      async () => (await (globalThis as unknown as WorkerGlobals).opfsStorage('readings')).durability,
    );
    expect(await dedicated).toBe(keepPrivateFiles ? 'none' : 'process');
  });
});

describeInEveryBrowser(
  'opfsStorage where a user allows no site to store data',
  ({ newContext }) => {
    test('keeps entries in memory, and a warning says so', async () => {
      const { options } = await serveEmulator();
      const tab = await (await newContext()).newTab(`${await servePages()}empty`);
      const worker = await openInWorker(tab, 'worker', options);
      expect(await statusOf(worker)).toMatchObject({ durability: 'none', warnings: [{ code: 'storage-unavailable' }] });
      expect(await commitInWorker(worker, ['1'])).toBe(1);
    });
  },
  { blocksSiteData: true },
);
