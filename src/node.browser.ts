import { ApiException } from './index.js';

/*
 * Replaces `nikdev-iot/node` in bundles for pages: a program for Node and pages builds, and fails only if it calls a function.
 */

const RESOLVED = 'A bundler or test runner selected this build because it resolves the condition "browser".';

export function fileStorage(): never {
  throw new ApiException(
    'fileStorage needs a file system, and this build is for pages.',
    `Use webStorage(localStorage) or memoryStorage() here. ${RESOLVED}`,
  );
}

export function httpFetch(): never {
  throw new ApiException(
    'httpFetch needs the sockets of Node, and this build is for pages.',
    `Omit the option fetch here. ${RESOLVED}`,
  );
}
