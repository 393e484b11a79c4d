import { fileURLToPath } from 'node:url';
import resolve from '@rollup/plugin-node-resolve';
import typescript from '@rollup/plugin-typescript';
import dts from 'rollup-plugin-dts';
import license from 'rollup-plugin-license';
import { bundledCommander, packageVersion } from './build/bundled-commander.mjs';
import { lazyKy } from './build/lazy-ky.mjs';
import { leanValibot } from './build/lean-valibot.mjs';
import { minify } from './build/minify.mjs';
import { umd } from './build/umd.mjs';
import { withoutComments } from './build/without-comments.mjs';

const entries = {
  index: 'src/index.ts',
  node: 'src/node.ts',
  emulator: 'src/emulator.ts',
  'react-native': 'src/react-native.ts',
  opfs: 'src/opfs.ts',
  otel: 'src/otel.ts',
  gateway: 'src/gateway.ts',
};
/** Modules of the platform, and the optional peer dependencies. */
const external = [/^node:/, /^@nats-io\//, '@opentelemetry/api', 'pino', 'prom-client'];

// noEmitOnError: without it a type error is printed and the build still succeeds.
const compile = () => [
  resolve(),
  lazyKy(),
  leanValibot(),
  typescript({ include: ['src/**/*.ts'], noEmitOnError: true }),
];

/** The bundled libraries ask that their notices go wherever their code goes. */
const notices = (folder = 'dist') =>
  license({
    thirdParty: {
      output: {
        file: `${folder}/THIRD-PARTY-LICENSES.txt`,
        template: (dependencies) =>
          dependencies
            .map(({ name, version, license, licenseText }) => `${name} ${version} (${license})\n\n${licenseText}`)
            .join(`\n\n${'-'.repeat(80)}\n\n`),
      },
    },
  });

/** Where the files of one format go: `index.js` and `shared/x.js`, `index.cjs` and `shared/x.cjs`, … */
const files = (extension) => ({
  dir: 'dist',
  entryFileNames: `[name]${extension}`,
  chunkFileNames: `shared/[name]${extension}`,
});

/** The servers of the package, as modules of the command import them. */
const SERVERS = /^(?:(?:\.\.\/)+|.*\/src\/)(emulator|gateway)\.[jt]s$/;
/** Parts of single commands. */
const OF_COMMANDS = /\/src\/cli\/(?:commands\/|config\/config-writer|emulator\/|line-reader|progress)/;
const OF_FOLDER =
  /\/src\/(?:cli\/(?:folder\/|folder-session|push-folder|commit\.)|storage\/(?:file|shared\/journal)\/)/;
const OF_COMMAND = /\/(?:src\/cli[./]|node_modules\/commander\/)|\/package\.json$/;

/**
 * A chunk for each command with its own parts, one that knows folders, one of the library, and one for what these share: a call
 * loads few files, and no code that it does not run.
 */
function commandChunks(id, { getModuleInfo }) {
  if (OF_COMMANDS.test(id)) return undefined;
  if (OF_FOLDER.test(id)) return 'folder';
  return OF_COMMAND.test(id) || isShared(id, getModuleInfo) ? 'shared' : 'library';
}

/** Whether a module of the library is imported by the command itself, too. */
function isShared(id, getModuleInfo, seen = new Set()) {
  if (OF_FOLDER.test(id) || (OF_COMMAND.test(id) && !OF_COMMANDS.test(id))) return true;
  seen.add(id);
  const { importers = [] } = getModuleInfo(id) ?? {};
  return importers.some((importer) => !seen.has(importer) && isShared(importer, getModuleInfo, seen));
}

const LIBRARY = /\/node_modules\/(ky|valibot)\//;
// Each in a chunk of its own, which a consumer's bundler drops where nothing of it is used; a flat bundle keeps all of ky.
const manualChunks = (id) => LIBRARY.exec(id)?.[1];
/** Our modules that several entries share, under a name that says so and does not change. */
const modules = (extension) => ({
  ...files(extension),
  chunkFileNames: ({ name, moduleIds }) => {
    if (moduleIds.some((id) => LIBRARY.test(id))) return `shared/${name}${extension}`;
    const has = (path) => moduleIds.some((id) => id.includes(path));
    if (has('/src/client.ts')) return `shared/client${extension}`;
    if (has('/storage/web/')) return `shared/web${extension}`;
    if (has('/storage/shared/journal/')) return `shared/journal${extension}`;
    // The part of the core that the emulator needs too.
    return `shared/${has('/model/schema.ts') ? 'checks' : 'core'}${extension}`;
  },
});

const INDEX = fileURLToPath(new URL('src/index.js', import.meta.url));
/** Hooks run in client components only. */
const react = { banner: "'use client';" };

export default [
  {
    input: entries,
    external,
    // The gateway runs in Node only, where nobody bundles it further.
    plugins: [...compile(), minify(/^gateway\./), withoutComments(), notices()],
    output: [
      { ...modules('.js'), format: 'es', manualChunks },
      // dynamicImportInCjs: Jest and scripts of node:vm refuse an import() in CommonJS; the require() in its place is as lazy.
      { ...modules('.cjs'), format: 'cjs', exports: 'named', manualChunks, dynamicImportInCjs: false },
    ],
  },
  {
    input: 'src/node.browser.ts',
    external: /index\.js$/,
    plugins: [...compile(), withoutComments()],
    output: [
      { file: 'dist/node.browser.js', format: 'es', paths: () => './index.js' },
      { file: 'dist/node.browser.cjs', format: 'cjs', exports: 'named', paths: () => './index.cjs' },
    ],
  },
  {
    input: 'src/react.ts',
    external: [/index\.js$/, 'react'],
    plugins: [...compile(), withoutComments()],
    output: [
      { file: 'dist/react.js', format: 'es', ...react, paths: { [INDEX]: './index.js' } },
      { file: 'dist/react.cjs', format: 'cjs', exports: 'named', ...react, paths: { [INDEX]: './index.cjs' } },
    ],
  },
  {
    input: { cli: 'src/cli.ts' },
    external: (id) => id.startsWith('node:') || SERVERS.test(id),
    plugins: [bundledCommander(), packageVersion(), ...compile(), minify(), notices('dist/cli')],
    // CommonJS: Node starts it 10 ms faster.
    output: {
      dir: 'dist/cli',
      format: 'cjs',
      entryFileNames: '[name].cjs',
      chunkFileNames: '[name].cjs',
      dynamicImportInCjs: false,
      manualChunks: commandChunks,
      paths: (id) => id.replace(SERVERS, '../$1.cjs'),
    },
  },
  {
    input: entries.index,
    plugins: [...compile(), minify()],
    output: {
      file: 'dist/index.umd.js',
      format: 'cjs',
      exports: 'named',
      strict: false,
      ...umd('NikDevIoT'),
      sourcemap: true,
      // Names, lines and columns for stack traces; the repository has the sources.
      sourcemapExcludeSources: true,
      banner: '/*! nikdev-iot, MIT; with ky and valibot, both MIT: see THIRD-PARTY-LICENSES.txt */',
    },
  },
  {
    input: { ...entries, react: 'src/react.ts' },
    external: [...external, 'react'],
    plugins: [dts({ compilerOptions: { stripInternal: true } })],
    output: [
      { ...files('.d.ts'), format: 'es' },
      { ...files('.d.cts'), format: 'es' },
    ],
  },
];
