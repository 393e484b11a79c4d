import { defineConfig } from 'vitest/config';
import { FULL_ONLY } from './test/length.js';

/** `npm test`; `npx vitest run <path>` without a build. */
export default defineConfig({
  test: {
    maxWorkers: '100%',
    // A shared machine can be slow for longer than the default of 5 s.
    testTimeout: 20_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.dom.test.ts', FULL_ONLY],
          globalSetup: ['test/support/browsers/report-browsers.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'dom',
          environment: 'happy-dom',
          include: ['test/**/*.dom.test.ts'],
          environmentOptions: { happyDOM: { url: 'http://localhost/' } },
        },
      },
    ],
  },
});
