import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Adoption, StorageAdapter, Writer } from '../../../src/core/ports/storage.js';
import { Api } from '../../../src/index.js';
import { fileStorage } from '../../../src/node.js';
import type { FilePlatform, FileSystem } from '../../../src/storage/file/journal/file-system.js';
import { credentials } from '../../support/builders/credentials.js';
import { binding, entryOf } from '../../support/builders/stored-entry.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';
import { describeWithContainers, IN_CONTAINER } from '../../support/processes/pid-namespace.js';
import { SCOPED_RUNTIMES } from '../../support/scoped-runtimes.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LOOK_MS = 30_000;

/** Looks every half a minute, as an `Api` does. @returns After how many seconds something was adopted, and what. */
async function adoptWithin(seconds: number, writer: Writer, clock: FakeClock) {
  for (let passed = 0; ; passed += LOOK_MS / 1000) {
    const { entries } = await writer.adopt(passed === 0);
    if (entries.length > 0 || passed >= seconds) return { passed, entries };
    await clock.advance(LOOK_MS);
  }
}

/** A process with number 1 that may not read `/proc`, as in a container with a runtime of scoped rights. */
function processWithoutProc(): FilePlatform {
  const { fs } = new FakeMachine().start('4026531836', 1);
  const refuse = () => {
    throw Object.assign(new Error('no access'), { code: 'ERR_ACCESS_DENIED' });
  };
  const readFileSync = ((from: string | number) =>
    String(from).startsWith('/proc') ? refuse() : fs.readFileSync(from)) as FileSystem['readFileSync'];
  return {
    fs: { ...fs, readFileSync, readlinkSync: refuse as never },
    pid: 1,
    isRunning: () => true,
    openStores: new Set(),
  };
}

describe('F46 an owner whose process id lives on, where /proc can not be read', () => {
  test('that is dead is adopted after three minutes without a heartbeat, and not before', async () => {
    const folder = temporaryFolder();
    const dead = fileStorage(folder, {}, processWithoutProc()).open(binding, new FakeClock());
    dead.save(entryOf(dead, 1), false);
    const clock = new FakeClock();
    const next = fileStorage(folder, {}, processWithoutProc()).open(binding, clock);
    expect(await adoptWithin(240, next, clock)).toEqual({ passed: 180, entries: [entryOf(dead, 1)] });
  });

  test('that lives is not dispossessed', async () => {
    const folder = temporaryFolder();
    const clock = new FakeClock();
    const living = fileStorage(folder, {}, processWithoutProc()).open(binding, clock);
    living.save(entryOf(living, 1), false);
    const other = fileStorage(folder, {}, processWithoutProc()).open(binding, clock);
    expect(await adoptWithin(1800, other, clock)).toMatchObject({ entries: [] });
    expect(living.check()).toBeUndefined();
  });

  test('that turns out to live is told so, and what it commits then is its own', async () => {
    const folder = temporaryFolder();
    const [stopped, clock] = [new FakeClock(), new FakeClock()];
    const owner = fileStorage(folder, {}, processWithoutProc()).open(binding, stopped);
    owner.save(entryOf(owner, 1), false);
    const { id } = owner;
    const other = fileStorage(folder, {}, processWithoutProc()).open(binding, clock);
    const { entries } = await adoptWithin(240, other, clock);
    expect(entries).toHaveLength(1);
    stopped.jump(300_000);
    expect(owner.check()).toMatchObject({ kind: 'taken', writers: new Set([id]) });
    owner.save(entryOf(owner, 2), false);
    expect(readdirSync(folder)).toHaveLength(2);
  });
});

describe('F46 two storage objects of one thread', () => {
  const open = (storage: StorageAdapter, clock: FakeClock): Writer => storage.open(binding, clock);

  test('never take from each other, however long the clock of one stands still', async () => {
    const folder = temporaryFolder();
    const living = open(fileStorage(folder), new FakeClock());
    living.save(entryOf(living, 1), false);
    const clock = new FakeClock();
    const other = open(fileStorage(folder), clock);
    expect(await adoptWithin(900, other, clock)).toMatchObject({ entries: [] });
    living.close();
    expect(await adoptWithin(0, other, clock)).toMatchObject({ entries: [entryOf(living, 1)] });
    other.close();
  });

  test('never take from each other, also where they are of two copies of this package', async () => {
    const folder = temporaryFolder();
    const { fileStorage: ofBuild } = (await import(new URL('../../../dist/node.js', import.meta.url).href)) as {
      fileStorage: typeof fileStorage;
    };
    const living = open(ofBuild(folder), new FakeClock());
    living.save(entryOf(living, 1), false);
    const clock = new FakeClock();
    const other = open(fileStorage(folder), clock);
    expect(await adoptWithin(900, other, clock)).toMatchObject({ entries: [] });
    living.close();
    other.close();
  });

  test('one that could not give back its file leaves it to the other, after three minutes', async () => {
    const folder = temporaryFolder();
    const machine = new FakeMachine();
    const { fs, ...process } = machine.start();
    const platform = { fs: { ...fs }, ...process, openStores: new Set<string>() };
    const first = fileStorage(folder, {}, platform).open(binding, new FakeClock());
    first.save(entryOf(first, 1), false);
    platform.fs.renameSync = () => {
      throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
    };
    first.close();
    platform.fs.renameSync = fs.renameSync;
    const clock = new FakeClock();
    const other = fileStorage(folder, {}, platform).open(binding, clock);
    expect(await adoptWithin(240, other, clock)).toEqual({ passed: 180, entries: [entryOf(first, 1)] });
  });
});

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
      const adopt = (atStart: boolean): Promise<Adoption> => {
        looks += 1;
        return writer.adopt(atStart);
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
  /** @param runtime - The command; the script is appended. @returns What it printed. */
  async function run(runtime: readonly string[], folder: string, script: string): Promise<string> {
    const path = `${folder}/script.mjs`;
    const { writeFileSync } = await import('node:fs');
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
    const api = open({ clock });
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
