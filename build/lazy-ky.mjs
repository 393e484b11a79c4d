import { rollup } from 'rollup';
import { leanKy } from './lean-ky.mjs';

/**
 * Creates ky at its first call. At load time, ky tests the features of the platform's requests, for which Node loads its whole
 * `fetch`: three quarters of the load time of this package. Bundlers also drop a function that is not called.
 */
export const lazyKy = () => ({
  name: 'lazy-ky',
  async load(id) {
    if (!id.endsWith('/node_modules/ky/distribution/index.js')) return null;
    const bundle = await rollup({ input: ENTRY, plugins: [entryOf(id), leanKy()] });
    const { output } = await bundle.generate({
      file: id,
      format: 'iife',
      name: 'Ky',
      sourcemap: true,
      banner: '/*! ky: MIT License © Sindre Sorhus */\nconst make = () => {',
      footer: 'return Ky;\n};\nlet made;\nexport default (input, options) => (made ??= make()).create(input, options);',
    });
    return { code: output[0].code, map: output[0].map };
  },
});

const ENTRY = 'class-of-ky';

/** An entry that makes a request as ky's default instance does. */
const entryOf = (id) => ({
  name: ENTRY,
  resolveId: (name) => (name === ENTRY ? name : null),
  load: (name) =>
    name === ENTRY ? `export { Ky as default } from ${JSON.stringify(id.replace('index.js', 'core/Ky.js'))};` : null,
});
