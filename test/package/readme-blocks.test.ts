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
const blocks = pages.flatMap(blocksOf);
/** What is run. A block that does not import the package goes on where the one before it ended. */
const programs: Block[] = [];
for (const block of blocks.filter(({ language }) => language === 'js' || language === 'ts')) {
  const before = block.code.includes("from 'nikdev-iot'") ? '' : `${programs.at(-1)?.code ?? ''}\n`;
  programs.push({ ...block, code: before + block.code });
}
const INSTALL = 'npm install nikdev-iot\n';

/**
 * Blocks that are not run here, and why. Those in HTML are run in a browser, every one: test/browser/readme.test.ts. Headers
 * (`http`) are served to one: test/browser/page-headers.full.test.ts. Lines of systemd (`ini`) are those of the device's unit:
 * test/examples/device.full.test.ts.
 */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm ci && npm run demo\n': 'it installs anew what this test runs with; test/demo.full.test.ts runs the demo',
  'npm ci && npm test\n': 'this test is what it runs',
  [blocksOf(readPage('README.md')).find(({ code }) => code.includes('nikdev-iot emulator'))?.code ?? '']:
    'it runs until Ctrl+C; test/package/command.test.ts runs it on the installed package',
  [blocksOf(readPage('examples/web-app/README.md'))[0]?.code ?? '']:
    'it fetches Preact and Vite; test/browser/web-app.full.test.ts builds and opens the app',
  [blocksOf(readPage('examples/device/README.md')).find(({ code }) => code.includes('systemctl'))?.code ?? '']:
    'it installs a service of this machine; test/examples/device.full.test.ts has systemd verify the unit',
};

/** The device's, which runs until Ctrl+C. */
const DEVICE = blocks.find(({ code }) => code.includes(' node device.mjs '))?.code ?? '';

/** Languages of which no block is run, and why. */
const NOT_OURS: Readonly<Record<string, string>> = {
  jsx: 'it needs React; test/react/readme.dom.test.ts renders it',
  tsx: 'it needs React Native; test/storage/mmkv and test/platform/react-native-environment.test.ts run its parts',
  python: 'it needs the Python client, and is there to be read beside the block that does the same here',
};

/** What blocks print, by their section. Others print what depends on the moment, or nothing. */
const PRINTS: Readonly<Record<string, RegExp>> = {
  'The first push': /^1 pushed\n\{ fieldId: 'field-1', value: 21\.5, timestamp: \d+ \}\n$/,
  'Is everything right?':
    /reachable: true,\n {2}credentials: true,\n {2}canRead: true,\n {2}canWrite: true,.*Nothing to do/s,
  'Names for fields': /^door true\n$/,
  'Readings as they change': /^field-1: 19\.5\n$/,
  'Testing your code': /^$/,
  'From Python': /^field-1 21\.5 \d+\n$/,
};

/** Warnings of blocks for another platform than Node, by their section. */
const WARNS: Readonly<Record<string, RegExp>> = {
  'In a worker': /^nikdev-iot: opfsStorage found no origin private file system.*\n$/,
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
}, 60_000);
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

/** What TypeScript finds wrong in programs, each with the first line of the one that it is in. */
function errorsIn(codes: readonly string[]): string[] {
  const folder = consumer.newFolder();
  const files = codes.map((code, index) => {
    const file = join(folder, `block-${index}.mts`);
    writeFileSync(file, withIds(code));
    return file;
  });
  const program = ts.createProgram(files, {
    strict: true,
    // As in JavaScript: what is caught is shown without asking first what it is.
    useUnknownInCatchVariables: false,
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
    const isLooked = ({ language, code }: Block): boolean =>
      ['js', 'ts', 'html', 'http', 'ini', 'json'].includes(language) ||
      language in NOT_OURS ||
      (language === 'sh' && (code === INSTALL || code === DEVICE || code in NOT_RUN));
    expect(blocks.filter((block) => !isLooked(block))).toEqual([]);
    const fences = pages.flatMap((page) => page.match(/^\s*(?:```|~~~)/gm) ?? []);
    expect(fences).toHaveLength(2 * blocks.length);
    expect(programs.length).toBeGreaterThanOrEqual(10);
  });

  test('is still there, where it is named here', () => {
    const [languages, codes] = [blocks.map(({ language }) => language), blocks.map(({ code }) => code)];
    expect(languages).toEqual(expect.arrayContaining(Object.keys(NOT_OURS)));
    expect(codes).toEqual(expect.arrayContaining([INSTALL, DEVICE, ...Object.keys(NOT_RUN)]));
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
    const named = new Set(commands.filter((name) => !['ci', 'install'].includes(name ?? '')));
    expect([...named].filter((name) => !((name ?? '') in scripts))).toEqual([]);
    expect(named.size).toBeGreaterThanOrEqual(8);
  });
});
