import { ApiException } from './index.js';

/*
 * Stands for `nikdev-iot/node` where a bundler resolves for pages: a program for both builds, and fails only if it is used.
 */

const RESOLVED = 'A bundler or test runner took this build as it resolves the condition "browser".';

export function fileStorage(): never {
  throw new ApiException(
    'fileStorage keeps entries in files, and this was built for a page: it has none.',
    `Use webStorage(localStorage) or memoryStorage() here. ${RESOLVED}`,
  );
}

export function httpFetch(): never {
  throw new ApiException(
    'httpFetch connects by the sockets of Node, and this was built for a page: it has none.',
    `Leave the option fetch out here. ${RESOLVED}`,
  );
}
