import { expect } from 'vitest';
import type { Emulator } from '../../../src/emulator.js';
import type { Entry } from '../../../src/index.js';
import { DEVICE_ID, type PageOptions } from '../builders/credentials.js';
import { type Context, SOON } from './every-browser.js';
import { openApiTab } from './pages.js';

/** The main job of the SDK in a page: it stages, commits, pushes to another origin, and reads back. @returns The entry. */
export async function doMainJob(
  context: Context,
  page: string,
  options: PageOptions,
  server: Emulator,
): Promise<Entry> {
  const tab = await openApiTab(context, page, options);
  const seen = await tab.evaluate(async () => {
    const { api } = window;
    api.addValue('temperature', 21.5);
    api.addValue('a,b/c', 'on');
    const staged = api.status();
    const entry = api.commit();
    const saved = api.status();
    const result = await api.push();
    return { staged, entry, saved, result, after: api.status() };
  });
  expect(seen.staged).toMatchObject({ staged: 2, committed: 0 });
  expect(seen.saved).toMatchObject({ staged: 0, committed: 1, durability: 'tab', warnings: [] });
  expect(seen.result).toEqual({ pushed: 1, requests: 1, expired: 0 });
  expect(seen.after).toMatchObject({ committed: 0, warnings: [] });
  // At once, or as soon as a gateway has forwarded it.
  await expect.poll(() => server.entries(DEVICE_ID), SOON).toHaveLength(1);
  expect(server.entries(DEVICE_ID)).toMatchObject([{ values: seen.entry?.values }]);
  expect(await tab.evaluate(() => window.api.get(['a,b/c', 'temperature']))).toMatchObject([
    { fieldId: 'a,b/c', value: 'on' },
    { fieldId: 'temperature', value: 21.5 },
  ]);
  return seen.entry as Entry;
}
