import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { expect, onTestFinished, test } from 'vitest';
import { createEmulator } from '../../src/emulator.js';
import { API_KEY, credentials, DEVICE_ID } from '../support/builders/credentials.js';

test('the component of docs/react.md shows what it commits, and what the server holds', async () => {
  const { blocksOf, withIds } = await import('../support/package/markdown.js');
  const { readFileSync } = await import('node:fs');
  const [block] = blocksOf(readFileSync('docs/react.md', 'utf8')).filter(({ language }) => language === 'jsx');
  const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'door.jsx'), withIds(block?.code ?? ''));
  const entry = join(folder, 'entry.js');
  writeFileSync(
    entry,
    `export { Door } from './door.jsx'; export { createElement, act } from 'react'; export { createRoot } from 'react-dom/client';`,
  );
  const modules = `${process.cwd()}/node_modules`;
  const alias = {
    'nikdev-iot/react': `${process.cwd()}/src/react.ts`,
    react: `${modules}/react`,
    'react-dom': `${modules}/react-dom`,
  };
  const bundle = await rolldown({ input: entry, platform: 'node', resolve: { alias } });
  await bundle.write({ file: join(folder, 'bundle.cjs'), format: 'cjs' });
  const { Door, createElement, act, createRoot } = createRequire(entry)('./bundle.cjs');

  const emulator = createEmulator({
    devices: [{ deviceId: DEVICE_ID, apiKeys: [{ key: API_KEY, read: true, write: true }] }],
  });
  const { fetch } = globalThis;
  globalThis.fetch = emulator.fetch as unknown as typeof fetch;
  Reflect.set(globalThis, 'IS_REACT_ACT_ENVIRONMENT', true);
  onTestFinished(() => {
    globalThis.fetch = fetch;
  });
  const container = document.createElement('main');
  document.body.append(container);
  const root = createRoot(container);
  onTestFinished(() => act(async () => root.unmount()));
  await act(async () => root.render(createElement(Door, credentials)));
  expect(container.textContent).toBe('closed, 0 queued');
  await act(async () => container.querySelector('button')?.click());
  expect(container.textContent).toBe('closed, 1 queued');
  Reflect.set(globalThis, 'IS_REACT_ACT_ENVIRONMENT', false);
  // autoPush waits for at most 10 s.
  await expect.poll(() => container.textContent, { timeout: 18_000 }).toBe('open, 0 queued');
}, 30_000);
