import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FetchInit } from '../../src/index.js';
import { API_KEY, credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { type Consumer, installPacked } from '../support/package/installed-package.js';
import { type Block, blocksOf, PAGES, readPage, withIds } from '../support/package/markdown.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> };

const pages = PAGES.map(readPage);
const blocks: Block[] = PAGES.flatMap((page) => blocksOf(readPage(page)).map((block) => ({ ...block, page })));

/** Runs until SIGTERM. */
const isDevice = ({ code }: Block): boolean => code.includes("process.once('SIGTERM'");

/** The blocks that run here. A block that does not import the package continues the block before it. */
const programs: Block[] = [];
for (const block of blocks.filter(({ language }) => language === 'js' || language === 'ts')) {
  const before = block.code.includes("from 'nikdev-iot'") ? '' : `${programs.at(-1)?.code ?? ''}\n`;
  if (!isDevice(block)) programs.push({ ...block, code: before + block.code });
}
const INSTALL = 'npm install nikdev-iot';

/** Blocks that do not run here, each by its page and a text in it, and why. */
const NOT_RUN: readonly (readonly [page: string, text: string, reason: string])[] = [
  ['README.md', 'nikdev-iot emulator', 'it runs until Ctrl+C: quick-start.test.ts runs it on the installed package'],
  ['README.md', "process.once('SIGTERM'", 'it runs until SIGTERM: quick-start.test.ts runs it against the emulator'],
  ['README.md', 'npm run demo', 'it installs anew what this test runs with; test/demo.full.test.ts runs the demo'],
  ['docs/testing.md', 'npm run demo', 'as in the README'],
  ['docs/testing.md', 'npm test', 'this test is a part of it'],
  ['docs/getting-started.md', 'apt install -y nodejs npm', 'it installs Node on the machine'],
  ['docs/getting-started.md', 'deb.nodesource.com', 'it installs Node on the machine'],
  ['docs/getting-started.md', 'install -d -o "$USER"', 'it needs root; quick-start.test.ts installs in a folder'],
  ['docs/getting-started.md', "process.once('SIGTERM'", 'it is the device of the README'],
  ['docs/getting-started.md', 'nikdev-iot emulator', 'as in the README'],
  ['docs/getting-started.md', 'cat > environment', 'it waits for input: quick-start.test.ts runs it'],
  ['docs/getting-started.md', '--env-file=environment', 'it runs until Ctrl+C: quick-start.test.ts runs it'],
  ['docs/getting-started.md', 'set -a', 'it runs until SIGTERM: quick-start.test.ts runs it'],
  ['docs/getting-started.md', 'systemctl enable', 'it needs root; quick-start.test.ts has systemd verify the unit'],
  ['docs/getting-started.md', 'journalctl', 'it needs the service'],
  [
    'docs/getting-started.md',
    'npm install --global',
    'it installs for the machine; quick-start.test.ts runs the line of cron',
  ],
  [
    'docs/docker.md',
    'docker build -t device',
    'it needs a Docker daemon; quick-start.test.ts compares the images with the programs',
  ],
  [
    'docs/docker.md',
    'sensor | docker run',
    'it needs a Docker daemon; test/examples/shell.test.ts pipes into the command',
  ],
  [
    'examples/web-app/README.md',
    'npx vite',
    'it fetches Vite: test/browser/web-app.full.test.ts builds and opens the app',
  ],
  [
    'examples/device/README.md',
    'systemctl',
    'it needs root: test/examples/device.full.test.ts has systemd verify the unit',
  ],
  ['examples/shell/README.md', 'npm install --global', 'it installs for the machine: test/examples/shell.test.ts'],
];

const isNotRun = ({ page, code }: Block): boolean =>
  NOT_RUN.some(([name, text]) => name === page && code.includes(text));

/** The device's, which runs until Ctrl+C. */
const DEVICE = blocks.find(({ code }) => code.includes(' node device.mjs '))?.code ?? '';

/** Languages of which no block runs here, and the test that checks their blocks. */
const NOT_PROGRAMS: Readonly<Record<string, string>> = {
  html: 'test/browser/readme.test.ts opens it in a browser',
  http: 'test/browser/page-headers.full.test.ts serves a page with these headers',
  ini: 'quick-start.test.ts and test/examples/device.full.test.ts have systemd verify units',
  json: 'below: the body of an upload',
  dockerfile: 'quick-start.test.ts',
  yaml: 'quick-start.test.ts',
  text: 'quick-start.test.ts: output of the device, its environment, a line of cron',
  jsx: 'it needs React: test/react/docs-component.dom.test.ts renders it',
  tsx: 'it needs React Native: test/storage/mmkv and test/platform/react-native-environment.test.ts run its parts',
  python: 'it needs the Python client, and stands beside the block that does the same here',
};

/** The output of blocks, by their section. The output of other blocks depends on the moment, or is empty. */
const PRINTS: Readonly<Record<string, RegExp>> = {
  'Basics: stage, commit, push, get': /^1 pushed\n\{ fieldId: 'field-1', value: 21\.5, timestamp: \d+ \}\n$/,
  'With a bundler': /^1\n$/,
  'Connection test: testConnection()':
    /reachable: true,\n {2}credentials: true,\n {2}canRead: true,\n {2}canWrite: true,.*Nothing to do/s,
  'Moving to another server: adoptFrom()': /^0 adopted\n$/,
  'Compression, dead band, idempotency, pause': /^undefined 1\n$/,
  'Names for fields': /^door true\n$/,
  'Live readings: watch()': /^field-1: 19\.5\n$/,
  'Testing your code with the emulator': /^$/,
  'Side by side': /^field-1 21\.5 \d+\n$/,
};

/** Warnings of blocks for another platform than Node, by their section. */
const WARNS: Readonly<Record<string, RegExp>> = {
  'Workers and extensions': /^nikdev-iot: opfsStorage found no origin private file system.*\n$/,
};

/** Takes the place of the network, so that a block runs as it stands but for its ids; one field has a value. */
const PRELOAD = `
import { Api } from 'nikdev-iot'
import { createEmulator } from 'nikdev-iot/emulator'
const apiKeys = [{ key: '${API_KEY}', read: true, write: true }]
globalThis.fetch = createEmulator({ devices: [{ deviceId: '${DEVICE_ID}', apiKeys }] }).fetch

const api = Api.fromCredentials('${DEVICE_ID}', '${API_KEY}')
api.addValue('field-1', 19.5)
await api.commitAndPush()
await api.close()
`;

let consumer: Consumer;
beforeAll(async () => {
  consumer = await installPacked(INSTALL, ['valibot']);
  writeFileSync(join(consumer.folder, 'preload.mjs'), PRELOAD);
}, 120_000);
afterAll(() => consumer?.remove());

/** Runs a program as it stands, in a folder and process of its own. */
function run(code: string) {
  const folder = consumer.newFolder();
  writeFileSync(join(folder, 'block.mjs'), withIds(code));
  return promisify(execFile)(process.execPath, [...preload(), 'block.mjs'], { cwd: folder, timeout: 30_000 });
}

const preload = (): string[] => ['--import', pathToFileURL(join(consumer.folder, 'preload.mjs')).href];

/** As a compiler that only takes the types away. */
function toJavaScript({ language, code }: Block): string {
  const { ES2022: target } = ts.ScriptTarget;
  const compilerOptions = { target, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true };
  return language === 'js' ? code : ts.transpileModule(code, { compilerOptions }).outputText;
}

/** The errors that TypeScript finds in programs, each with the first line of its program. */
function errorsIn(codes: readonly string[]): string[] {
  const folder = consumer.newFolder();
  const files = codes.map((code, index) => {
    const file = join(folder, `block-${index}.mts`);
    writeFileSync(file, withIds(code));
    return file;
  });
  const program = ts.createProgram(files, {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
    types: ['node'],
    typeRoots: [`${root}node_modules/@types`],
  });
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const code = codes[files.indexOf(file?.fileName ?? '')];
    return `${code ?? file?.fileName}\n${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

describe('every block of the documentation, on the packed package,', () => {
  test('is run, or named here with the reason why not', () => {
    const isLooked = (block: Block): boolean =>
      block.language in NOT_PROGRAMS ||
      isNotRun(block) ||
      (['js', 'ts'].includes(block.language) && !isDevice(block)) ||
      (block.language === 'sh' && block.code === DEVICE);
    expect(blocks.filter((block) => !isLooked(block))).toEqual([]);
    const fences = pages.flatMap((page) => page.match(/^\s*(?:```|~~~)/gm) ?? []);
    expect(fences).toHaveLength(2 * blocks.length);
    expect(programs.length).toBeGreaterThanOrEqual(18);
  });

  test('is still there, where it is named here', () => {
    const languages = blocks.map(({ language }) => language);
    expect(languages).toEqual(expect.arrayContaining(Object.keys(NOT_PROGRAMS)));
    const found = NOT_RUN.map(([page, text]) => blocks.filter((one) => one.page === page && one.code.includes(text)));
    expect(found.map(({ length }) => length)).toEqual(NOT_RUN.map(() => 1));
    expect(DEVICE).not.toBe('');
    expect(programs.map(({ section }) => section)).toEqual(expect.arrayContaining(Object.keys(PRINTS)));
  });

  test('has no error when it is pasted into TypeScript', { timeout: 60_000 }, () => {
    expect(errorsIn(programs.map(({ code }) => code))).toEqual([]);
  });

  test.each(programs.map((block) => ({ ...block, last: block.code.trim().split('\n').at(-1), block })))(
    'runs as pasted, in a process of its own, without a complaint: $section, … $last',
    { timeout: 60_000 },
    async ({ block }) => {
      const { stdout, stderr } = await run(toJavaScript(block));
      expect(stderr).toMatch(WARNS[block.section] ?? /^$/);
      const first = programs.find(({ section }) => section === block.section);
      if (block === first) expect(stdout).toMatch(PRINTS[block.section] ?? '');
    },
  );

  test('runs the device as pasted, until Ctrl+C', { timeout: 60_000 }, async () => {
    const folder = consumer.newFolder();
    cpSync(`${root}examples/device`, folder, { recursive: true });
    const env = { ...process.env, NODE_OPTIONS: preload().join(' ') };
    // In a process group of its own, as in a terminal: Ctrl+C goes to all of it.
    const shell = spawn('sh', ['-c', withIds(DEVICE)], { cwd: folder, env, detached: true });
    const ended = once(shell, 'close');
    try {
      // As pasted into the terminal, and Ctrl+D.
      shell.stdin.end(`${API_KEY}\n`);
      let output = '';
      for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (text) => (output += text));
      await expect.poll(() => output, { timeout: 30_000 }).toMatch(/ cpu .+\n/);
      process.kill(-(shell.pid ?? 0), 'SIGINT');
      await ended;
      expect(output).toMatch(/^(?:\d{4}-\d\d-\d\dT\S+Z .+\n)+/);
      expect(output).not.toMatch(/Bad luck|Bad request|Error/);
    } finally {
      if (shell.exitCode === null && shell.signalCode === null) process.kill(-(shell.pid ?? 0), 'SIGKILL');
    }
  });

  test('shows the body that an upload has', async () => {
    const shown = blocks.filter(({ language }) => language === 'json').map(({ code }) => code.trim());
    const { Api } = (await import(
      join(consumer.folder, 'node_modules/nikdev-iot/dist/index.js')
    )) as typeof import('../../src/index.js');
    const bodies: string[] = [];
    const answer = async (_url: string, { body = '' }: FetchInit): Promise<Response> => {
      bodies.push(String(body));
      return new Response('{}');
    };
    const api = new Api({ ...credentials, fetch: answer });
    api.addValue('<Field ID>', 21.5);
    api.commit({ timestamp: 1_795_349_600 });
    await api.push();
    const now = /(?<="clientTimestamp":)\d+/;
    expect(bodies.map((body) => body.replace(now, '1795349662'))).toEqual(shown);
  });

  test('names scripts that the package has', () => {
    const commands = pages.flatMap((page) =>
      [...page.matchAll(/npm (?:run )?([a-z][a-z:]*)/g)].map(([, name]) => name),
    );
    const named = new Set(commands.filter((name) => !['ci', 'install', 'publish'].includes(name ?? '')));
    expect([...named].filter((name) => !((name ?? '') in scripts))).toEqual([]);
    expect(named.size).toBeGreaterThanOrEqual(8);
  });
});
