import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import nodeResolve from '@rollup/plugin-node-resolve';
import { rolldown } from 'rolldown';
import { rollup } from 'rollup';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Consumer, installPacked } from '../support/package/installed-package.js';

/** For server and page alike. */
const PROGRAM = `
import { Api, isApiException } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { createEmulator } from 'nikdev-iot/emulator';
export const open = (options) => new Api(options);
export const tryFiles = () => {
  try {
    return fileStorage('./readings');
  } catch (error) {
    return { isOurs: isApiException(error), message: error.message, advice: error.advice };
  }
};
export { createEmulator };
`;

let consumer: Consumer;
beforeAll(async () => {
  consumer = await installPacked('npm install nikdev-iot');
}, 120_000);
afterAll(() => consumer?.remove());

type Bundle = (input: string, file: string) => Promise<unknown>;

const BUNDLERS: [string, Bundle][] = [
  [
    'rollup',
    async (input, file) =>
      (await rollup({ input, plugins: [nodeResolve({ browser: true })], onLog: noWarning })).write({ file }),
  ],
  [
    'rolldown',
    async (input, file) => (await rolldown({ input, platform: 'browser', onLog: noWarning })).write({ file }),
  ],
  [
    'vite',
    (entry, file) =>
      build({
        root: consumer.folder,
        logLevel: 'error',
        configFile: false,
        build: {
          outDir: join(file, '..'),
          emptyOutDir: false,
          lib: { entry, formats: ['es'], fileName: () => 'bundle.mjs' },
        },
      }),
  ],
];

const noWarning = (level: string, { message }: { message: string }): void => {
  if (level === 'warn') throw new Error(message);
};

// Building takes seconds where the machine is busy.
describe('F58 nikdev-iot/node in the bundle of a page', { timeout: 60_000 }, () => {
  test.each(BUNDLERS)('is built by %s without a word, and its use is one clear error', async (_name, bundle) => {
    const folder = consumer.newFolder();
    const input = join(folder, 'program.mjs');
    const file = join(folder, 'dist', 'bundle.mjs');
    writeFileSync(input, PROGRAM);
    await bundle(input, file);
    const { tryFiles } = (await import(pathToFileURL(file).href)) as { tryFiles(): unknown };
    expect(tryFiles()).toEqual({
      isOurs: true,
      message: expect.stringMatching(/this build is for pages/),
      advice: expect.stringMatching(/webStorage/),
    });
  });

  test('is the real one where Node is meant, and in CommonJS', async () => {
    const folder = consumer.newFolder();
    const file = join(folder, 'program.cjs');
    writeFileSync(file, `module.exports = require('nikdev-iot/node').fileStorage('./readings').durability`);
    expect((await import(pathToFileURL(file).href)).default).toBe('power');
  });
});
