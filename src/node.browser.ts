import { ApiException } from './index.js';

/** In place of `nikdev-iot/node` where a bundler resolves for pages: a program for both builds, and fails only if it asks for files. */
export function fileStorage(): never {
  throw new ApiException(
    'fileStorage keeps entries in files, and this was built for a page: it has none.',
    'Use webStorage(localStorage) or memoryStorage() here. A bundler or test runner took this build as it resolves the condition "browser".',
  );
}
