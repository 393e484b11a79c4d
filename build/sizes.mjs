import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { rolldown } from 'rolldown';

const root = new URL('../', import.meta.url);
const { sizeLimits } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

/**
 * Measures the built package.
 *
 * @returns {Promise<{ what: string, bytes: number, limit: number }[]>} For each of package.json's `sizeLimits`, a file or
 *   the names that a page imports: its size in bytes, minified and compressed by brotli, and the limit.
 */
export const measureSizes = () =>
  Promise.all(
    Object.entries(sizeLimits).map(async ([what, limit]) => {
      const code = what.startsWith('{') ? await bundle(what) : readFileSync(new URL(what, root));
      return { what, bytes: brotliCompressSync(code).length, limit };
    }),
  );

/** The part of the package that a page loads if it uses only these names. */
async function bundle(names) {
  const plugin = {
    name: 'page',
    resolveId: (id) => (id === 'page' ? id : null),
    load: (id) => (id === 'page' ? `export ${names} from ${JSON.stringify(ESM)};` : null),
  };
  const bundle = await rolldown({ input: 'page', plugins: [plugin] });
  const { output } = await bundle.generate({ format: 'es', minify: true, comments: { annotation: false } });
  return output[0].code;
}

const ESM = fileURLToPath(new URL('dist/index.js', root));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sizes = await measureSizes();
  console.table(sizes);
  if (sizes.some(({ bytes, limit }) => bytes > limit)) {
    console.error('Larger than package.json allows: find the cause, and remove it or say why it is worth its bytes.');
    process.exitCode = 1;
  }
}
