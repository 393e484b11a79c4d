const COMMON =
  '--strict --target es2022 --lib es2022,dom --types node --skipLibCheck false --skipDefaultLibCheck --pretty false --rootDir src';
/** For each module resolution the module format that it is used with, and the programs. */
const RESOLUTIONS = {
  node10: ['commonjs', 'device.cts'],
  node16: ['node16', 'device.mts', 'device.cts'],
  nodenext: ['nodenext', 'device.mts', 'device.cts'],
  bundler: ['esnext', 'device.mts'],
};

const check =
  (compiler, resolution, [module, ...programs] = RESOLUTIONS[resolution]) =>
  async ({ run, journey }) => {
    const tsc = [`node_modules/typescript-${compiler}/bin/tsc`, ...COMMON.split(' ')];
    const outDir = `dist/${compiler}-${resolution}`;
    const format = ['--module', module, '--moduleResolution', resolution, '--outDir', outDir];
    await run([...tsc, ...format, ...programs.map((name) => `src/${name}`)]);
    for (const name of programs) await (await journey()).inProcess([`${outDir}/${name.replace('ts', 'js')}`]);
  };

export default {
  name: 'TypeScript',
  packages: ['typescript-oldest', 'typescript-newest'],
  checks: {
    'the oldest, module resolution node10': check('oldest', 'node10'),
    'the oldest, module resolution node16': check('oldest', 'node16'),
    'the oldest, module resolution nodenext': check('oldest', 'nodenext'),
    'the oldest, module resolution bundler': check('oldest', 'bundler'),
    'the newest, module resolution node16': check('newest', 'node16'),
    'the newest, module resolution nodenext': check('newest', 'nodenext'),
    'the newest, module resolution bundler': check('newest', 'bundler'),
  },
};
