import { defineConfig } from 'vitest/config';
import { FULL_ONLY } from './test/length.js';

/** `npm test`; `npx vitest run <path>` without a build. */
export default defineConfig({
  test: {
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
