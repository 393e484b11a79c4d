import { build } from 'esbuild';

const { warnings } = await build({
  entryPoints: ['src/worker.js'],
  bundle: true,
  format: 'esm',
  conditions: ['workerd', 'worker', 'browser'],
  outfile: 'dist/worker.js',
  logLevel: 'warning',
});
if (warnings.length > 0) throw new Error(`esbuild warned ${warnings.length} times`);
