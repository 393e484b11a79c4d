import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { PushException, StorageAdapter } from '../../src/index.js';
import { memoryStorage, StorageException } from '../../src/index.js';
import { fileStorage, httpFetch } from '../../src/node.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { leaksIn, renderings, SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { temporaryFolder } from '../support/disks/temporary-folder.js';
import { reply, StubFetch } from '../support/fakes/stub-fetch.js';
import { closedPort } from '../support/servers/raw-server.js';

/** A memory whose writer throws when it saves. */
function failingStorage(error: unknown): StorageAdapter {
  const memory = memoryStorage();
  return {
    ...memory,
    open(destination, clock) {
      return Object.assign(memory.open(destination, clock), {
        save() {
          throw error;
        },
      });
    },
  };
}

const thrownBy = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe('a storage that fails otherwise than by its rules', () => {
  test('is named in message and cause', () => {
    const api = openApi({ storage: failingStorage(new TypeError('x is not a function')) });
    const failure = thrownBy(() => commitEach(api, 1)) as StorageException;
    expect(failure).toMatchObject({
      name: 'StorageException',
      message: expect.stringMatching(
        /^The entry could not be saved: the storage failed: TypeError: x is not a function\./,
      ),
      cause: { name: 'TypeError', message: 'x is not a function' },
    });
  });

  test('shows no key, whatever its error and the cause of it hold', async () => {
    const own = new StorageException('no', {
      cause: Object.assign(new Error(`key ${SENTINEL_KEY}`), { SENTINEL_KEY }),
    });
    for (const error of [new TypeError(`key ${SENTINEL_KEY}`), own]) {
      const api = openApi({ storage: failingStorage(error), apiKey: SENTINEL_KEY });
      api.addValue('a', 1);
      const failures = [thrownBy(() => api.commit()), await api.commitAndPush().catch((thrown) => thrown)];
      expect(failures.map(renderings).flatMap((text) => leaksIn(text))).toEqual([]);
      expect(failures).toMatchObject([{ cause: { name: error === own ? 'Error' : 'TypeError' } }, {}]);
    }
  });

  test('in a folder that can not be written keeps the code and message of the system', () => {
    const api = openApi({ storage: fileStorage('/etc/hostname/readings') });
    expect(thrownBy(() => commitEach(api, 1))).toMatchObject({
      message: expect.stringMatching(/could not be written \(ENOTDIR, /),
      cause: { name: 'Error', message: expect.stringMatching(/^ENOTDIR: not a directory, .*\/etc\/hostname/) },
    });
  });
});

test('a push that fails before its request is made names the error of the runtime', async () => {
  const transport = {
    send() {
      throw new RangeError('Invalid string length');
    },
  };
  const api = openApi({}, { transport });
  commitEach(api, 1);
  expect(await pushFailure(api.push())).toMatchObject({
    message: 'Bad luck: the push failed before its request could be sent: RangeError: Invalid string length.',
    cause: { name: 'RangeError', message: 'Invalid string length' },
    retainedData: true,
  });
});

describe('the stack of a PushException', () => {
  const failing = () => openApi({ fetch: new StubFetch(() => reply(503, '')).fetch });

  test('names the line that called push, commitAndPush or close', async () => {
    const api = failing();
    const callers = {
      async pushReadings() {
        await api.push();
      },
      async commitReadings() {
        await api.commitAndPush();
      },
      async closeDevice() {
        await api.close({ push: true, timeoutSeconds: 0.1 });
      },
    };
    commitEach(api, 1);
    for (const [name, call] of Object.entries(callers)) {
      const { stack } = (await call().catch((error: unknown) => error)) as PushException;
      expect(stack).toMatch(/^PushException: Bad luck: /);
      expect(stack).toMatch(new RegExp(`\\n +at (?:async )?(?:Object\\.)?${name} .*causes\\.test\\.ts:\\d+`));
    }
  });

  test('names all callers that joined one push, each once', async () => {
    const api = failing();
    const one = async () => void (await api.push());
    const other = async () => void (await api.push());
    commitEach(api, 1);
    const [first, second] = await Promise.all([one(), other()].map((call) => pushFailure(call)));
    expect(first).toBe(second);
    expect(first?.stack?.match(/(?<= )(one|other)(?= \()/g)?.sort()).toEqual(['one', 'other']);
  });
});

describe('advice', () => {
  test('says that queued entries in memory end with the process, and that those in files do not', async () => {
    const fetch = new StubFetch(() => reply(503, '')).fetch;
    const inMemory = openApi({ fetch });
    const inFiles = openApi({ fetch, storage: fileStorage(temporaryFolder()) });
    const [memory, file] = await Promise.all(
      [inMemory, inFiles].map((api) => {
        commitEach(api, 1);
        return pushFailure(api.push());
      }),
    );
    expect(memory?.advice).toMatch(/still queued, in memory: it is lost when this process or page ends\.$/);
    expect(file?.advice).toMatch(/still queued\.$/);
  });

  test('names NODE_USE_ENV_PROXY and httpFetch where HTTPS_PROXY is set and not used', async () => {
    const port = await closedPort();
    const advice = async (options: object) => {
      const api = openApi({ baseUrl: `https://127.0.0.1:${port}/`, fetch: undefined, ...options });
      commitEach(api, 1);
      return (await pushFailure(api.push())).advice;
    };
    onTestFinished(() => void vi.unstubAllEnvs());
    for (const name of ['HTTPS_PROXY', 'https_proxy', 'NODE_USE_ENV_PROXY']) vi.stubEnv(name, undefined);
    expect(await advice({})).not.toMatch(/PROXY/);
    vi.stubEnv('HTTPS_PROXY', 'http://proxy.example:3128');
    expect(await advice({})).toMatch(/HTTPS_PROXY is set.*NODE_USE_ENV_PROXY=1.*httpFetch/);
    expect(await advice({ fetch: httpFetch() })).not.toMatch(/PROXY/);
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    expect(await advice({})).not.toMatch(/PROXY/);
  });
});
