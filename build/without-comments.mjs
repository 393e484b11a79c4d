import { parse } from 'rolldown/utils';

/** Notices of licences, and annotations that bundlers read. */
const KEPT = /^!|@license|@preserve|[@#]__[A-Z_]+__/;

/**
 * Removes comments, line by line as the code is: the types have the docs of the exports, and the repository has the rest. For
 * outputs without a source map.
 */
export const withoutComments = () => ({
  name: 'without-comments',
  async renderChunk(code, { fileName }) {
    const { comments } = await parse(fileName.replace(/cjs$/, 'js'), code);
    const removed = comments.filter(({ value }) => !KEPT.test(value));
    return { code: removed.reduceRight((rest, comment) => cut(rest, comment), code), map: null };
  },
});

/** Removes a comment, with its line if there is nothing else in it. */
function cut(code, { start, end }) {
  const before = code.slice(0, start).replace(/[ \t]+$/, '');
  const after = code.slice(end);
  const isFirst = before === '' || before.endsWith('\n');
  if (/^[ \t]*(?:\n|$)/.test(after)) return before + (isFirst ? after.replace(/^[ \t]*\n?/, '') : after);
  return isFirst ? code.slice(0, start) + after.trimStart() : `${code.slice(0, start)}${after}`;
}
