import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { FLAGS, findChromium } from './chromium.js';
import { FIREFOX, FIREFOX_IS_QUIET } from './puppeteer.js';
import { kill, start } from './webkit.js';

/** A browser that no driver controls, with a profile that survives its end. */
export interface StartableBrowser {
  readonly name: string;
  /** `undefined` if it is not installed. */
  readonly path: string | undefined;
  /** Starts it with a page. @param profile - The folder of its profile. @returns A function that ends it as `kill -9` does. */
  start(profile: string, url: string): Promise<() => Promise<void>>;
}

/** The folder of a new profile, for the test. */
export function newProfile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'profile-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return folder;
}

export const STARTABLE_BROWSERS: readonly StartableBrowser[] = [
  {
    name: 'Chromium',
    path: findChromium(),
    start: async (profile, url) =>
      ending(start(findChromium(), ['--headless', ...FLAGS, `--user-data-dir=${profile}`, url])),
  },
  {
    name: 'Firefox',
    path: FIREFOX.path,
    async start(profile, url) {
      // Without the last, Firefox asks for safe mode after a few kills.
      const preferences = { ...FIREFOX_IS_QUIET, 'toolkit.startup.max_resumed_crashes': -1 };
      const lines = Object.entries(preferences).map((entry) => `user_pref(${JSON.stringify(entry).slice(1, -1)});`);
      writeFileSync(join(profile, 'user.js'), lines.join('\n'));
      return ending(start(FIREFOX.path, ['--headless', '--no-remote', '--profile', profile, url]));
    },
  },
];

/** Ends a browser with the test, unless it was ended before. */
function ending(process: ChildProcess): () => Promise<void> {
  onTestFinished(() => kill(process));
  return () => kill(process);
}
