import { minify as minifyCode } from 'rolldown/utils';

/**
 * Minifies a chunk, by Oxc: it reuses the shortest names for the private members of each class, where terser gives the members
 * of all classes different names.
 *
 * @param files - The names of the chunks to minify. Default: all.
 */
export const minify = (files = /./) => ({
  name: 'minify',
  async renderChunk(code, { fileName }) {
    if (!files.test(fileName)) return null;
    const { errors, ...minified } = await minifyCode(fileName, code, {
      compress: { target: 'es2022' },
      codegen: { legalComments: 'inline' },
      sourcemap: true,
    });
    if (errors.length > 0) throw errors[0];
    return minified;
  },
});
