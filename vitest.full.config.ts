import { defineConfig } from 'vitest/config';
import { BOTH_LENGTHS, FULL_ONLY } from './test/length.js';

/** `npm run test:full`; `npx vitest run --config vitest.full.config.ts <path>` without a build. */
export default defineConfig({
  test: {
    maxWorkers: '100%',
    // As in vitest.config.ts.
    testTimeout: 20_000,
    hookTimeout: 120_000,
    include: [FULL_ONLY, ...BOTH_LENGTHS],
    env: { TEST_LENGTH: 'full' },
    globalSetup: ['test/support/browsers/report-browsers.ts'],
    setupFiles: ['test/support/event-loop-watchdog.ts'],
  },
});
