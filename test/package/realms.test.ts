import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { closedPort, rawServer } from '../support/servers/raw-server.js';

type Package = typeof import('../../src/index.js') &
  typeof import('../../src/node.js') &
  typeof import('../../src/emulator.js');

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const nodeRequire = createRequire(import.meta.url);

/** Here, as only the build leaves out that valibot looks at the prototype of a refused input. */
test('F31 a revoked Proxy as options is refused by an exception of the package', async () => {
  const { Api, ConfigException }: Package = nodeRequire(join(dist, 'index.cjs'));
  const api = new Api(credentials);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  expect(() => api.commit(proxy)).toThrow(ConfigException);
  await expect(api.push(proxy)).rejects.toThrow(/^the options must be an object, got an unreadable object$/);
  await expect(api.push({ signal: proxy as AbortSignal })).rejects.toThrow(/^signal must be .*unreadable/);
  expect(() => new Api({ ...credentials, storage: proxy as never })).toThrow(ConfigException);
});

/** The built package in a realm of its own, with the globals of this one, as Jest loads it. */
function loadInRealm(): Package {
  const { fetch, Request, Response, Headers, AbortController, AbortSignal, URL, TextDecoder, TextEncoder } = globalThis;
  const { setTimeout, clearTimeout, performance, queueMicrotask } = globalThis;
  const web = { fetch, Request, Response, Headers, AbortController, AbortSignal, URL, TextDecoder, TextEncoder };
  const realm = createContext({
    ...web,
    setTimeout,
    clearTimeout,
    performance,
    queueMicrotask,
    process,
    console,
    Buffer,
  });
  const loaded = new Map<string, object>();
  const load = (file: string): object => {
    const module = { exports: loaded.get(file) ?? {} };
    if (loaded.has(file)) return module.exports;
    loaded.set(file, module.exports);
    const run = runInContext(`(function (module, exports, require) {${readFileSync(file, 'utf8')}\n})`, realm);
    run(module, module.exports, (name: string) =>
      name.startsWith('.') ? load(join(dirname(file), name)) : nodeRequire(name),
    );
    loaded.set(file, module.exports);
    return module.exports;
  };
  const all = ['index', 'node', 'emulator'].map((entry) => load(join(dist, `${entry}.cjs`)));
  return Object.assign({}, ...all) as Package;
}

const { Api, fileStorage, httpFetch, createEmulator } = loadInRealm();

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-realm-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function open(options: Partial<ConstructorParameters<typeof Api>[0]>) {
  const api = new Api({ ...credentials, ...options });
  onTestFinished(() => api.close());
  return api;
}

const KILLED = `
const { Api } = require(process.argv[1] + '/index.cjs');
const { fileStorage } = require(process.argv[1] + '/node.cjs');
const api = new Api({ ...${JSON.stringify(credentials)}, storage: fileStorage(process.argv[2]) });
for (let i = 0; i < 3; i++) { api.addValue('t', i); api.commit(); }
process.kill(process.pid, 'SIGKILL');`;

describe('F51 in a realm of its own', () => {
  test('entries of a killed process are adopted', async () => {
    const folder = newFolder();
    spawnSync(process.execPath, ['-e', KILLED, dist, folder]);
    expect(readdirSync(folder)).toHaveLength(1);
    const device = { deviceId: DEVICE_ID, apiKeys: [{ key: credentials.apiKey, read: true, write: true }] };
    const emulator = createEmulator({ devices: [device] });
    const api = open({ fetch: emulator.fetch, storage: fileStorage(folder) });
    await api.ready;
    await api.push();
    expect(emulator.entries(DEVICE_ID)).toHaveLength(3);
  });

  test('a refused connection is named with its code', async () => {
    const api = open({ baseUrl: `http://127.0.0.1:${await closedPort()}/` });
    api.addValue('a', 1);
    await expect(api.commitAndPush()).rejects.toThrow(/\(ECONNREFUSED\)/);
  });

  test('httpFetch loads the modules of its requests', async () => {
    const server = await rawServer();
    const api = open({ baseUrl: server.baseUrl, fetch: httpFetch() });
    api.addValue('a', 1);
    expect(await api.commitAndPush()).toMatchObject({ pushed: 1 });
  });

  test('no module of CommonJS has an import(), which scripts of node:vm refuse', () => {
    const files = (readdirSync(dist, { recursive: true }) as string[]).filter((file) => file.endsWith('.cjs'));
    expect(files).toContain('gateway.cjs');
    expect(files.filter((file) => /\bimport\(/.test(readFileSync(join(dist, file), 'utf8')))).toEqual([]);
  });

  test('a folder that can not be made is named with its code', () => {
    const api = open({ storage: fileStorage('/dev/null/x') });
    api.addValue('a', 1);
    expect(() => api.commit()).toThrow(/\((?:ENOTDIR|ENOENT|EEXIST)/);
  });
});
