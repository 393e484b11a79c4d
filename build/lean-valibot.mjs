import { replaceIn } from './lean-ky.mjs';

/** The parts of an issue that are not read: a type in words, a message in English, the configuration; and fallbacks. */
const PARTS = [
  [/const received = .*\n/, ''],
  [/received,\n\s*message: `Invalid .*\n/, 'message: "invalid",\n'],
  [/requirement: context\.requirement,\n/, ''],
  [/lang: config\$1\.lang,\n\s*abortEarly: config\$1\.abortEarly,\n\s*abortPipeEarly: config\$1\.abortPipeEarly\n/, ''],
  [/(const message\$1 = other\?\.message \?\? context\.message) \?\? .*;/, '$1;'],
  [/else if \(valueSchema\.fallback !== void 0\) .*\n\s*else /g, 'else '],
];

/** Removes the parts of valibot that the package does not use, and that no bundler can know. */
export const leanValibot = () => ({
  name: 'lean-valibot',
  transform: (code, id) =>
    id.endsWith('/node_modules/valibot/dist/index.mjs') ? { code: PARTS.reduce(replaceIn, code), map: null } : null,
});
