import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  exports: object;
  unpkg: string;
  jsdelivr: string;
  dependencies?: unknown;
  peerDependencies: Readonly<Record<string, string>>;
  peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
};

test('npm installs no package of which only an entry of its own makes use: each is an optional peer', () => {
  const { peerDependencies: peers, peerDependenciesMeta: about } = manifest;
  expect(Object.keys(peers)).toContain('react');
  expect(about).toEqual(Object.fromEntries(Object.keys(peers).map((name) => [name, { optional: true }])));
});

describe('the built package', () => {
  test('has no runtime dependency', () => {
    expect(manifest.dependencies).toBeUndefined();
    for (const file of readdirSync(new URL('dist', root), { recursive: true, encoding: 'utf8' })) {
      if (!/\.c?js$/.test(file)) continue;
      const imports = [...read(`dist/${file}`).matchAll(/^(?:import\b.*?from |.*?\brequire\()['"]([^'"]+)['"]/gm)];
      const bare = imports
        .map(([, name]) => name)
        .filter((name) => !name?.startsWith('.') && !name?.startsWith('node:'));
      const peers = file.startsWith('otel.') ? ['@opentelemetry/api'] : file.startsWith('react.') ? ['react'] : [];
      // A line of ky's own documentation comments begins like an import.
      expect(
        bare.filter((name) => name !== 'ky'),
        file,
      ).toEqual(peers);
    }
  });

  test('holds every file that its exports, unpkg and jsdelivr name', () => {
    const filesOf = (entry: string | object): string[] =>
      typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(filesOf);
    for (const file of [...filesOf(manifest.exports), manifest.unpkg, manifest.jsdelivr])
      expect(existsSync(new URL(file, root)), file).toBe(true);
  });

  test('exports the same names as ESM, CJS and UMD', async () => {
    const esm = (await import(new URL('dist/index.js', root).href)) as object;
    const cjs = createRequire(root)('./dist/index.cjs') as object;
    const context = createContext({ URL, TextDecoder, TextEncoder });
    runInContext(read(manifest.unpkg), context);
    const { NikDevIoT } = context as { NikDevIoT: object };
    expect(Object.keys(cjs).sort()).toEqual(Object.keys(esm).sort());
    expect(Object.keys(NikDevIoT).sort()).toEqual(Object.keys(esm).sort());
  });

  test('knows its exceptions across the ESM and the CJS build', async () => {
    const esm = (await import(new URL('dist/index.js', root).href)) as typeof import('../../src/index.js');
    const cjs = createRequire(root)('./dist/index.cjs') as typeof import('../../src/index.js');
    const exception = new cjs.ValueException('x');
    expect(exception).not.toBeInstanceOf(esm.ApiException);
    expect(esm.isApiException(exception)).toBe(true);
    expect(esm.isApiException(new Error('x'))).toBe(false);
  });

  test.each([
    [
      'ESM',
      '--input-type=module',
      "const { Api } = await import('nikdev-iot'); const { createEmulator } = await import('nikdev-iot/emulator'); await import('nikdev-iot/node')",
    ],
    [
      'CJS',
      '--input-type=commonjs',
      "const { Api } = require('nikdev-iot'); const { createEmulator } = require('nikdev-iot/emulator'); require('nikdev-iot/node')",
    ],
  ])(
    'works by its name in a fresh %s process, which it prints nothing in and does not keep alive',
    (_format, type, load) => {
      const script = `(async () => { ${load};
      const deviceId = '11111111-1111-4111-8111-111111111111', key = '22222222-2222-4222-8222-222222222222';
      const emulator = createEmulator({ devices: [{ deviceId, apiKeys: [{ key, read: true, write: true }] }] });
      const api = Api.fromCredentials(deviceId, key, { fetch: emulator.fetch });
      api.addValue('a', 1);
      await api.commitAndPush();
      process.stdout.write(JSON.stringify((await api.get('a')).map(({ value }) => value)));
    })()`;
      const output = execFileSync(process.execPath, [type, '-e', script], {
        cwd: fileURLToPath(root),
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 20_000,
      });
      expect(output.toString()).toBe('[1]');
    },
  );

  test('a watch keeps a process alive while somebody waits for it, and no longer', async () => {
    const script = (rest: string): string => `
      import { Api } from 'nikdev-iot'; import { createEmulator } from 'nikdev-iot/emulator';
      const deviceId = '11111111-1111-4111-8111-111111111111', apiKey = '22222222-2222-4222-8222-222222222222';
      const emulator = createEmulator({ devices: [{ deviceId, apiKeys: [{ key: apiKey, read: true, write: true }] }] });
      const api = new Api({ deviceId, apiKey, fetch: emulator.fetch });
      const watch = api.watch('a', { everySeconds: 1 });
      await watch.next(); ${rest}`;
    const run = (rest: string): string =>
      execFileSync(process.execPath, ['--input-type=module', '-e', script(rest)], {
        cwd: fileURLToPath(root),
        timeout: 20_000,
      }).toString();
    expect(run('')).toBe('');
    // A process that ends while it awaits at its top ends with a failure.
    expect(
      run(`
        setTimeout(async () => { api.addValue('a', 1); await api.commitAndPush(); }, 100).unref();
        console.log((await watch.next()).value[0].value); await watch.return()`),
    ).toBe('1\n');
  });

  test('types need no other package', () => {
    for (const file of readdirSync(new URL('dist', root), { recursive: true, encoding: 'utf8' })) {
      if (!/\.d\.c?ts$/.test(file)) continue;
      const imports = [...read(`dist/${file}`).matchAll(/^(?:import|export)\b.*? from '([^']+)'/gm)];
      const peers = file.startsWith('otel.') ? ['@opentelemetry/api'] : [];
      expect(imports.map(([, name]) => name).filter((name) => !name?.startsWith('.'))).toEqual(peers);
    }
  });

  test('ships the notices of what it bundles', () => {
    const notices = read('dist/THIRD-PARTY-LICENSES.txt');
    const bundled = ['ky', 'valibot'].map((name) => {
      const folder = new URL(`node_modules/${name}/`, root);
      const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version: string };
      const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file)) ?? '';
      return { heading: `${name} ${version} (MIT)`, text: readFileSync(new URL(licence, folder), 'utf8').trim() };
    });
    expect([...notices.matchAll(/^\S+ \d+\.\d+\.\d+ .*$/gm)].map(String).sort()).toEqual(
      bundled.map(({ heading }) => heading),
    );
    for (const { heading, text } of bundled) expect(notices).toContain(`${heading}\n\n${text}`);
    expect(read(manifest.unpkg)).toMatch(/^\/\*!.*THIRD-PARTY-LICENSES/);
  });

  test('types name nothing that is meant only for tests', () => {
    expect(read('dist/index.d.ts')).not.toMatch(/Ports|Transport|SeenRequest/);
  });
});
