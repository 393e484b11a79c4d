import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ENTRY = fileURLToPath(import.meta.resolve('commander'));

/**
 * Makes an ES module of commander, which is CommonJS. Its support of commands that are programs of their own goes: nothing here
 * uses it, and `node:child_process` takes a tenth of a start.
 */
export const bundledCommander = () => ({
  name: 'bundled-commander',
  resolveId: (id) => (id === 'commander' ? ENTRY : null),
  async load(id) {
    if (id !== ENTRY) return null;
    const bundle = await rolldown({ input: ENTRY, platform: 'node', plugins: [withoutProcesses] });
    const { output } = await bundle.generate({ format: 'es' });
    // The command is CommonJS in the end, which has a `require` of its own.
    const code = output[0].code
      .replace(/^import .* from "node:module";$/m, '')
      .replace('createRequire(import.meta.url)', 'require');
    return { code, map: { mappings: '' } };
  },
});

const NO_PROCESSES = '\0no-processes';

const withoutProcesses = {
  name: 'without-processes',
  resolveId: (id) => (id === 'node:child_process' ? NO_PROCESSES : null),
  load: (id) => (id === NO_PROCESSES ? 'export default {};' : null),
};

/** Of package.json, the version. */
export const packageVersion = () => ({
  name: 'package-version',
  load(id) {
    if (!id.endsWith('/package.json')) return null;
    const { version } = JSON.parse(readFileSync(id, 'utf8'));
    return `export const version = ${JSON.stringify(version)};`;
  },
});
