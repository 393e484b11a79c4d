import type { Api } from '../../../src/index.js';
import type { PageOptions } from '../builders/credentials.js';
import type { Evaluates } from './every-browser.js';

declare global {
  interface Window {
    /** The dedicated workers of the page, by name. */
    readonly workers: Map<string, Worker>;
  }
}

/** The globals of a worker of {@link startWorker}. */
export interface WorkerGlobals {
  readonly NikDevIoT: typeof import('../../../src/index.js');
  readonly opfsStorage: typeof import('../../../src/opfs.js').opfsStorage;
  /** The one that {@link openInWorker} made. */
  api: Api;
}

/** Starts a dedicated worker that has loaded the package. */
export async function startWorker(page: Evaluates, name: string): Promise<void> {
  await page.evaluate(async (worker) => {
    const code = `
      import * as NikDevIoT from '${location.origin}/dist/index.js'
      import { opfsStorage } from '${location.origin}/dist/opfs.js'
      Object.assign(self, { NikDevIoT, opfsStorage })
      onmessage = async ({ data: { run, argument } }) => {
        try {
          postMessage({ value: await (0, eval)('(' + run + ')')(argument) })
        } catch (error) {
          postMessage({ error: String(error?.stack ?? error) })
        }
      }
      postMessage({})`;
    Object.assign(window, { workers: window.workers ?? new Map() });
    const script = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
    const started = new Worker(script, { type: 'module' });
    window.workers.set(worker, started);
    await new Promise((resolve, reject) => {
      started.onmessage = resolve;
      started.onerror = () => reject(new Error('the worker did not start'));
    });
  }, name);
}

/** Runs functions in a worker of a page. */
export function inWorker(page: Evaluates, name: string): Evaluates {
  return {
    async evaluate(run: (argument: never) => unknown, argument?: unknown) {
      const answer = await page.evaluate(
        async (given) => {
          const worker = window.workers.get(given.name);
          const answered = new Promise<MessageEvent>((resolve) => {
            if (worker !== undefined) worker.onmessage = resolve;
          });
          worker?.postMessage(given);
          return (await answered).data;
        },
        { name, run: String(run), argument },
      );
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.value;
    },
  };
}

/** Ends a worker at once. */
export const terminate = (page: Evaluates, name: string): Promise<void> =>
  page.evaluate((worker) => window.workers.get(worker)?.terminate(), name);

/** Starts a worker and makes an `Api` with `opfsStorage` in it. */
export async function openInWorker(page: Evaluates, name: string, options: PageOptions): Promise<Evaluates> {
  await startWorker(page, name);
  const worker = inWorker(page, name);
  await worker.evaluate(async (given) => {
    const globals = globalThis as unknown as WorkerGlobals;
    globals.api = new globals.NikDevIoT.Api({ ...given, storage: await globals.opfsStorage('readings') });
  }, options);
  return worker;
}
