import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';
import { expect, onTestFinished } from 'vitest';
import { temporaryFolder } from '../disks/temporary-folder.js';
import { FLAGS, findChromium } from './chromium.js';
import { type Evaluates, SOON } from './every-browser.js';
import { newProfile } from './started-browser.js';

const DIST = fileURLToPath(new URL('../../../dist/', import.meta.url));
const WORKER = `
import * as NikDevIoT from './dist/index.js'
import { opfsStorage } from './dist/opfs.js'
Object.assign(self, { NikDevIoT, opfsStorage })`;

/** Starts a Chromium with an extension of Manifest V3. @returns Its service worker, which has loaded the package. */
export async function startExtension(manifest: { readonly host_permissions: readonly string[] }): Promise<Evaluates> {
  const extension = join(temporaryFolder(), 'extension');
  mkdirSync(extension);
  cpSync(DIST, join(extension, 'dist'), { recursive: true });
  writeFileSync(join(extension, 'worker.js'), WORKER);
  const background = { service_worker: 'worker.js', type: 'module' };
  const whole = { manifest_version: 3, name: 'Readings', version: '1.0', background, ...manifest };
  writeFileSync(join(extension, 'manifest.json'), JSON.stringify(whole));
  const browser = await puppeteer.launch({
    executablePath: findChromium() ?? '',
    userDataDir: newProfile(),
    enableExtensions: true,
    args: [...FLAGS, `--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
  });
  onTestFinished(() => browser.close());
  const target = await browser.waitForTarget(
    (candidate) => candidate.type() === 'service_worker' && candidate.url().endsWith('/worker.js'),
  );
  const worker = await target.worker();
  if (worker === null) throw new Error('the extension has no service worker');
  await expect.poll(() => worker.evaluate(() => 'opfsStorage' in globalThis), SOON).toBe(true);
  return worker;
}
