import { execFile } from 'node:child_process';
import { webcrypto } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Api, memoryStorage, type StorageAdapter, webStorage } from '../../src/index.js';
import { fileStorage } from '../../src/node.js';
import { SystemClock } from '../../src/platform/system-clock.js';
import { hasWeakIds, randomId } from '../../src/storage/shared/random-id.js';
import { credentials } from '../support/builders/credentials.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { FakeWebStorage } from '../support/fakes/fake-web.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HAS_NONE = undefined;
const FILLS_IN_NOTHING = { getRandomValues: (words: unknown) => words };
const THROWS = {
  getRandomValues() {
    throw new Error('no native module');
  },
};

/** A clock that stands still, as that of a device that has just booted in 1970. */
function stoppedClock(): SystemClock {
  const clock = new SystemClock();
  return Object.assign(clock, { now: () => 0, monotonic: () => 0 });
}

function newApi(storage: StorageAdapter): Api {
  return new Api({ ...credentials, storage, fetch: async () => Promise.reject(new Error('offline')) });
}

const codesOf = (api: Api): string[] => api.status().warnings.map(({ code }) => code);

afterEach(() => vi.unstubAllGlobals());

describe('F47 where Math.random is constant', () => {
  beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0.5));
  afterEach(() => vi.restoreAllMocks());

  test('an id is drawn once, on a clock that stands still too', () => {
    const ids = Array.from({ length: 1000 }, () => randomId(stoppedClock()));
    expect(new Set(ids).size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[\da-z]{16}$/);
  });

  test.each([
    ['has no crypto', HAS_NONE],
    ['has a crypto that fills in nothing', FILLS_IN_NOTHING],
    ['has a crypto that throws', THROWS],
  ])('an id is drawn once where the platform %s', (_how, crypto) => {
    vi.stubGlobal('crypto', crypto);
    const clock = stoppedClock();
    const ids = Array.from({ length: 1000 }, () => randomId(clock));
    expect(new Set(ids).size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[\da-z]{16}$/);
    expect(hasWeakIds(clock)).toBe(true);
  });

  test('two Apis on one storage keep both their entries', async () => {
    const items = new FakeWebStorage();
    const apis = [newApi(webStorage(items)), newApi(webStorage(items))];
    for (const api of apis) {
      api.addValue('t', 1);
      api.commit();
    }
    expect([...items.items.keys()].filter((key) => /\/\d+$/.test(key))).toHaveLength(2);
    for (const api of apis) await api.close();
  });

  test('files have names of their own', async () => {
    const folder = temporaryFolder();
    const apis = [newApi(fileStorage(folder)), newApi(fileStorage(folder))];
    for (const api of apis) {
      api.addValue('t', 1);
      api.commit();
    }
    expect(readdirSync(folder)).toHaveLength(2);
    for (const api of apis) await api.close();
  });
});

test('F47 a Math.random that returns no number makes an id anyway', () => {
  vi.spyOn(Math, 'random').mockReturnValue(undefined as never);
  vi.stubGlobal('crypto', undefined);
  const clock = new SystemClock();
  expect(randomId(clock)).toMatch(/^[\da-z]{16}$/);
  expect(randomId(clock)).not.toBe(randomId(clock));
  vi.restoreAllMocks();
});

test('F47 what a killed run left is not replaced by the next one of the same seed', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const run = (script: string) => {
    const whole = `
      import { Api } from 'nikdev-iot';
      import { fileStorage } from 'nikdev-iot/node';
      const storage = fileStorage(${JSON.stringify(folder)});
      const api = new Api({ ...${JSON.stringify(credentials)}, storage, fetch: () => Promise.reject(new Error()) });
      const commit = (value) => { api.addValue('t', value); api.commit(); };
      ${script}`;
    const args = ['--random-seed=1', '--input-type=module', '-e', whole];
    return promisify(execFile)(process.execPath, args, { cwd: ROOT });
  };
  const killed = run(`for (const value of [1, 2, 3]) commit(value); process.kill(process.pid, 'SIGKILL');`);
  await expect(killed).rejects.toMatchObject({ signal: 'SIGKILL' });
  const { stdout } = await run(`
    commit(4);
    await api.ready;
    console.log(JSON.stringify(api.log().map(({ values }) => values[0].value)));`);
  expect(JSON.parse(stdout)).toEqual([1, 2, 3, 4]);
});

test('without cryptographic random numbers a warning says so, once', async () => {
  vi.stubGlobal('crypto', undefined);
  const api = newApi(webStorage(new FakeWebStorage()));
  expect(codesOf(api)).toEqual(['weak-ids']);
  await api.close();
  // As in Node 18: ids that are only in memory never meet those of another run.
  const inMemory = newApi(memoryStorage());
  expect(codesOf(inMemory)).toEqual([]);
  await inMemory.close();
});

test('with cryptographic random numbers there is no such warning', async () => {
  vi.stubGlobal('crypto', webcrypto);
  const api = newApi(memoryStorage());
  expect(codesOf(api)).toEqual([]);
  await api.close();
});

test("files need no global crypto, as they have Node's", async () => {
  vi.stubGlobal('crypto', undefined);
  const api = newApi(fileStorage(temporaryFolder()));
  expect(codesOf(api)).toEqual([]);
  await api.close();
});
