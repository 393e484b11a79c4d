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

/** Imports that a page may add, by the file of the package that exports them. */
const OPTIONAL = {
  index: ['gzip', 'thin', 'logTo', 'memoryStorage', 'webStorage'],
  opfs: ['opfsStorage'],
  react: ['useApi, useStatus, useReadings'],
  'react-native': ['reactNativeEnvironment, mmkvStorage'],
  otel: ['instrument'],
};

/**
 * Measures the price of each optional import.
 *
 * @returns {Promise<{ what: string, bytes: number }[]>} The bytes that a page of `{ Api }` loads more, minified and compressed by
 *   brotli, without optional peers such as React.
 */
export async function measurePrices() {
  const sizeOf = async (source) => brotliCompressSync(await bundleOf(source)).length;
  const api = `export { Api } from ${JSON.stringify(fileOf('index'))};`;
  const without = await sizeOf(api);
  const imports = Object.entries(OPTIONAL).flatMap(([file, names]) => names.map((name) => ({ file, name })));
  return Promise.all(
    imports.map(async ({ file, name }) => ({
      what: file === 'index' ? name : `${name} of nikdev-iot/${file}`,
      bytes: (await sizeOf(`${api} export { ${name} } from ${JSON.stringify(fileOf(file))};`)) - without,
    })),
  );
}

/** The part of the package that a page loads if it uses only these names. */
const bundle = (names) => bundleOf(`export ${names} from ${JSON.stringify(fileOf('index'))};`);

async function bundleOf(source) {
  const plugin = {
    name: 'page',
    resolveId: (id) => (id === 'page' ? id : null),
    load: (id) => (id === 'page' ? source : null),
  };
  const bundle = await rolldown({ input: 'page', plugins: [plugin], external: /^(?:react|@opentelemetry\/api)/ });
  const { output } = await bundle.generate({ format: 'es', minify: true, comments: { annotation: false } });
  return output[0].code;
}

const fileOf = (name) => fileURLToPath(new URL(`dist/${name}.js`, root));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sizes = await measureSizes();
  console.table(sizes);
  if (sizes.some(({ bytes, limit }) => bytes > limit)) {
    console.error('Larger than package.json allows: find the cause, and remove it or say why it is worth its bytes.');
    process.exitCode = 1;
  }
}
