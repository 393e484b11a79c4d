import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Adoption, AdoptOptions, StorageAdapter } from '../../../src/core/ports/storage.js';
import { Api } from '../../../src/index.js';
import { fileStorage } from '../../../src/node.js';
import { credentials } from '../../support/builders/credentials.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { describeWithContainers, IN_CONTAINER } from '../../support/processes/pid-namespace.js';
import { SCOPED_RUNTIMES } from '../../support/processes/scoped-runtimes.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Commits 1, 2 and 3 in a thread, whose clock is `SPEED` times as fast as ours. @returns The thread, once it has. */
async function commitInThread(folder: string): Promise<Worker> {
  const script = `
    const { parentPort } = require('node:worker_threads');
    const { Api } = require(${JSON.stringify(`${ROOT}dist/index.cjs`)});
    const { fileStorage } = require(${JSON.stringify(`${ROOT}dist/node.cjs`)});
    const clock = (${fastClock})(${SPEED});
    const api = new Api({ ...${JSON.stringify(credentials)}, storage: fileStorage(${JSON.stringify(folder)}) }, { clock });
    for (const value of [1, 2, 3]) { api.addValue('t', value); api.commit(); }
    parentPort.postMessage('committed');
    setInterval(() => {}, 1000);`;
  const worker = new Worker(script, { eval: true });
  onTestFinished(async () => void (await worker.terminate()));
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  return worker;
}

/** Three minutes take nine seconds: longer than a thread stands still on a busy machine. */
const SPEED = 20;

function fastClock(speed: number) {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now() * speed,
    random: () => Math.random(),
    setTimer(run: () => void, milliseconds: number): () => void {
      const timer = setTimeout(run, milliseconds / speed).unref();
      return () => clearTimeout(timer);
    },
  };
}

describe('F46 a thread of the same process', () => {
  /** @returns How often it looks for what the dead left, and what it has adopted. */
  function openHere(folder: string) {
    let looks = 0;
    const storage = fileStorage(folder);
    const open: StorageAdapter['open'] = (...given) => {
      const writer = storage.open(...given);
      const adopt = (options: AdoptOptions): Promise<Adoption> => {
        looks += 1;
        return writer.adopt(options);
      };
      return new Proxy(writer, {
        get: (target, name) => {
          const member: unknown = name === 'adopt' ? adopt : Reflect.get(target, name);
          return typeof member === 'function' ? member.bind(target) : member;
        },
      });
    };
    const api = new Api({ ...credentials, storage: { durability: 'power', open } }, { clock: fastClock(SPEED) });
    onTestFinished(() => api.close());
    const values = (): unknown[] => api.log().map((entry) => entry.values[0]?.value);
    return {
      values,
      until: (isMet: () => boolean) => expect.poll(isMet, { timeout: 60_000 }).toBe(true),
      looks: () => looks,
    };
  }

  test('that was terminated is adopted, after three minutes', { timeout: 90_000 }, async () => {
    const folder = temporaryFolder();
    const thread = await commitInThread(folder);
    await thread.terminate();
    const { values, until, looks } = openHere(folder);
    await until(() => looks() >= 2);
    expect(values()).toEqual([]);
    await until(() => values().length > 0);
    expect(values()).toEqual([1, 2, 3]);
  });

  test('that lives is not dispossessed', { timeout: 90_000 }, async () => {
    const folder = temporaryFolder();
    await commitInThread(folder);
    const { values, until, looks } = openHere(folder);
    await until(() => looks() >= 12);
    expect(values()).toEqual([]);
  });
});

describeWithContainers('F46 a container that is started again, with process id 1 as before', () => {
  /** @param runtime - The command; the script is appended. @returns Its output. */
  async function run(runtime: readonly string[], folder: string, script: string): Promise<string> {
    const path = `${folder}/script.mjs`;
    writeFileSync(
      path,
      `import process from 'node:process';
      import { Api } from ${JSON.stringify(`${ROOT}dist/index.js`)};
      import { fileStorage } from ${JSON.stringify(`${ROOT}dist/node.js`)};
      const clock = (${fastClock})(100);
      const storage = fileStorage(${JSON.stringify(folder)});
      const open = (ports) => new Api({ ...${JSON.stringify(credentials)}, storage }, ports);
      ${script}`,
    );
    const [command = '', ...args] = [...IN_CONTAINER, ...runtime, path];
    const { stdout } = await promisify(execFile)(command, args, { cwd: ROOT, timeout: 60_000 }).catch((error) => error);
    return String(stdout).trim();
  }

  const commitAndExit = `
    const api = open({});
    for (const value of [1, 2, 3]) { api.addValue('t', value); api.commit(); }
    console.log('committed as', process.pid);
    process.exit();`;
  const adopt = `
    // An Api with nothing to do that nothing refers to is collected.
    const api = (globalThis.api = open({ clock }));
    api.on('adopt', ({ entries }) => { console.log(process.pid, 'adopted', entries); process.exit(); });
    setTimeout(() => { console.log('nothing was adopted'); process.exit(); }, 20_000);`;

  test.each([{ name: 'Node', command: () => [process.execPath] }, ...SCOPED_RUNTIMES])(
    '$name',
    { timeout: 120_000 },
    async ({ command }) => {
      if (command === undefined) return;
      const folder = temporaryFolder();
      expect(await run(command(folder), folder, commitAndExit)).toBe('committed as 1');
      expect(await run(command(folder), folder, adopt)).toBe('1 adopted 3');
    },
  );
});
