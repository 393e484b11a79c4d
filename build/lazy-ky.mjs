import { rollup } from 'rollup';

/**
 * Makes ky at its first call. As it loads, ky tries out what requests the platform can make, and for that Node loads all
 * that its `fetch` is made of: three quarters of the time that this package took to load. What is made when called is
 * also left out by every bundler where nothing calls it.
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

/** An entry that exports a module's default alone. */
const defaultOf = (id) => ({
  name: ENTRY,
  resolveId: (name) => (name === ENTRY ? name : null),
  load: (name) => (name === ENTRY ? `export { default } from ${JSON.stringify(id)};` : null),
});
