import { expect } from 'vitest';
import { type Evaluates, SOON } from './every-browser.js';

/** Lets the page note how it comes back, before it is left: see {@link expectRestored}. */
export const noteReturn = (page: Evaluates): Promise<void> =>
  page.evaluate(() => {
    addEventListener('pageshow', ({ persisted }) => Object.assign(window, { persisted }));
  });

/** Waits until the page came back out of the back/forward cache: else it was loaded anew, and nothing of the cache has been tried. */
export const expectRestored = (page: Evaluates): Promise<void> =>
  expect.poll(() => page.evaluate(() => 'persisted' in window && window.persisted), SOON).toBe(true);
