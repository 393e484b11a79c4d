import { rollup } from 'rollup';

/**
 * Creates ky at its first call. At load time, ky tests the features of the platform's requests, for which Node loads its whole
 * `fetch`: three quarters of the load time of this package. Bundlers also drop a function that is not called.
 */
export const lazyKy = () => ({
  name: 'lazy-ky',
  async load(id) {
    if (!id.endsWith('/node_modules/ky/distribution/index.js')) return null;
    const bundle = await rollup({ input: ENTRY, plugins: [defaultOf(id)] });
    const { output } = await bundle.generate({
      file: id,
      format: 'iife',
      name: 'ky',
      sourcemap: true,
      banner: 'const make = () => {',
      footer: 'return ky;\n};\nlet made;\nexport default (input, options) => (made ??= make())(input, options);',
    });
    return { code: output[0].code, map: output[0].map };
  },
});

const ENTRY = 'default-of-ky';

/** An entry that exports only the default export of a module. */
const defaultOf = (id) => ({
  name: ENTRY,
  resolveId: (name) => (name === ENTRY ? name : null),
  load: (name) => (name === ENTRY ? `export { default } from ${JSON.stringify(id)};` : null),
});
