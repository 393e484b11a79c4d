import nodeResolve from '@rollup/plugin-node-resolve';
import terser from '@rollup/plugin-terser';
import { rollup } from 'rollup';

for (const name of ['page', 'size']) {
  const bundle = await rollup({
    input: `src/shared/${name}.js`,
    plugins: [nodeResolve({ browser: true }), terser({ module: true, ecma: 2020 })],
    onLog(level, { message }) {
      if (level === 'warn') throw new Error(message);
    },
  });
  await bundle.write({ file: `dist/${name}.js`, format: 'es' });
}
