import { readFileSync } from 'node:fs';

/** The options of ky that `src/transport/fetch-transport.ts` never passes, and those that it passes as these constants. */
const OPTIONS = {
  json: 'undefined',
  parseJson: 'undefined',
  searchParams: 'undefined',
  prefixUrl: "''",
  onDownloadProgress: 'undefined',
  onUploadProgress: 'undefined',
  throwHttpErrors: 'false',
  timeout: 'false',
};

/** Statements of `core/Ky.js` as they read without hooks, `signal` and the methods of the promise, and with `retry: 0`. */
const STATEMENTS = [
  [/const ms = Math\.min\(await this\.#calculateRetryDelay\(error\), maxSafeTimeout\);/, 'throw error;'],
  [/if \(this\.#retryCount > this\.#options\.retry\.limit\)/, 'if (true)'],
  [/if \(this\.#abortController\?\.signal\.aborted\)/, 'if (false)'],
  [/(?=for \(const \[type, mimeType\] of)/, 'if (false) '],
  [/hooks: mergeHooks\(\{[^}]*\}, options\.hooks\),/, ''],
  [/(?:prefixUrl: String|throwHttpErrors: options|timeout: options|context: options).*,\n/g, ''],
  [/const userProvidedContentType = .*;/, 'const userProvidedContentType = true;'],
  [/for \(const hook of (?:ky|this)\.#options\.hooks\.\w+\)/g, 'if (false) for (const hook of [])'],
];

/** Modules of which only the parts for these options are used. */
const MODULES = {
  'utils/merge.js': `export const mergeHeaders = () => new Headers();
export const mergeHooks = undefined;`,
  'utils/normalize.js': `export const normalizeRequestMethod = (method) => method;
export const normalizeRetryOptions = (limit) => ({ limit });`,
  'utils/options.js': `export const findUnknownOptions = () => ({});
export const hasSearchParameters = () => false;`,
  'utils/body.js': 'export const streamRequest = undefined, streamResponse = undefined;',
  'utils/timeout.js': 'export default undefined;',
  'utils/delay.js': 'export default undefined;',
  'utils/type-guards.js': 'export const isHTTPError = undefined, isTimeoutError = undefined;',
  'errors/HTTPError.js': 'export const HTTPError = undefined;',
  'errors/NonError.js': 'export const NonError = undefined;',
  'errors/ForceRetryError.js': 'export const ForceRetryError = undefined;',
  'core/constants.js': `export const supportsAbortController = false, supportsAbortSignal = false;
export const supportsRequestStreams = false, supportsResponseStreams = false, supportsFormData = false;
export const responseTypes = undefined, maxSafeTimeout = undefined, stop = undefined, RetryMarker = undefined;`,
};

/** Removes the parts of ky that the package does not use: they are three quarters of it, and no bundler can know that. */
export const leanKy = () => ({
  name: 'lean-ky',
  load(id) {
    const path = id.split('/node_modules/ky/distribution/')[1];
    if (path !== 'core/Ky.js') return MODULES[path] ?? null;
    return STATEMENTS.reduce(replaceIn, constantsIn(readFileSync(id, 'utf8')));
  },
});

const constantsIn = (source) =>
  Object.entries(OPTIONS).reduce(
    (code, [name, value]) =>
      replaceIn(code, [new RegExp(`(?:ky|this)\\.#options\\.${name}\\b(?! \\+?= )`, 'g'), value]),
    source,
  );

/** @throws Error - If ky reads otherwise than when this was written. */
export function replaceIn(code, [pattern, by]) {
  const replaced = code.replace(pattern, by);
  if (replaced === code) throw new Error(`A bundled library has changed: ${pattern} is not in it`);
  return replaced;
}
