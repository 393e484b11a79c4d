import { minify as minifyCode } from 'rolldown/utils';

/**
 * Minifies a chunk. Oxc's minifier, as it names the private members of each class anew, from the shortest on: terser gives
 * each name of all classes its own.
 */
export const minify = () => ({
  name: 'minify',
  async renderChunk(code, { fileName }) {
    const { errors, ...minified } = await minifyCode(fileName, code, {
      compress: { target: 'es2022' },
      codegen: { legalComments: 'inline' },
      sourcemap: true,
    });
    if (errors.length > 0) throw errors[0];
    return minified;
  },
});
