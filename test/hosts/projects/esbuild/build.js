import { build } from 'esbuild';

const common = { bundle: true, minify: true, legalComments: 'none', logLevel: 'warning', logLimit: 0 };
const results = await Promise.all([
  build({
    ...common,
    entryPoints: { page: 'src/shared/page.js', size: 'src/shared/size.js' },
    format: 'esm',
    target: 'es2022',
    outdir: 'dist',
  }),
  build({ ...common, entryPoints: ['src/device.js'], platform: 'node', outfile: 'dist/device.cjs' }),
]);
const warnings = results.flatMap((result) => result.warnings);
if (warnings.length > 0) throw new Error(`esbuild warned ${warnings.length} times`);
