import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('../../', import.meta.url));
const here = join(root, 'test/runtimes');

/**
 * Makes a project that has the built package as its dependency: the suite in it, once with and once without files, as an
 * ES module and as CommonJS.
 */
export async function makeProject(folder) {
  rmSync(folder, { recursive: true, force: true });
  for (const name of ['package.json', 'dist']) {
    cpSync(join(root, name), join(folder, 'node_modules/nikdev-iot', name), { recursive: true });
  }
  for (const name of ['in-process.mjs', 'in-process.cjs']) cpSync(join(here, name), join(folder, name));
  const entries = { index: '', node: '/node', 'react-native': '/react-native', opfs: '/opfs', emulator: '/emulator' };
  for (const [entry, name] of Object.entries(entries)) {
    writeFileSync(join(folder, `import-${entry}.mjs`), `import 'nikdev-iot${name}';\n`);
    writeFileSync(join(folder, `import-${entry}.cjs`), `require('nikdev-iot${name}');\n`);
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: { 'nikdev-iot': '*' } }));
  await bundle(folder, 'with-files', (entry) => (entry === 'index' ? 'nikdev-iot' : `nikdev-iot/${entry}`));
  // A worker knows no packages, only paths.
  const extensions = { mjs: 'js', cjs: 'cjs' };
  await bundle(folder, 'everywhere', (entry, type) => `./node_modules/nikdev-iot/dist/${entry}.${extensions[type]}`);
}

/** @param nameOf - Where the built package has an entry point. */
async function bundle(folder, suite, nameOf) {
  for (const [type, format] of Object.entries({ mjs: 'es', cjs: 'cjs' })) {
    const plugins = [builtPackage((entry) => nameOf(entry, type))];
    const built = await rolldown({ input: join(here, `${suite}.ts`), plugins, platform: 'neutral' });
    await built.write({ file: join(folder, `${suite}.${type}`), format });
  }
}

/** Imports of the sources by tests lead to the built package, and those of vitest to the small runner. */
const builtPackage = (nameOf) => ({
  name: 'built-package',
  resolveId(id) {
    if (id === 'vitest') return join(here, 'runner.ts');
    if (id.startsWith('node:')) return { id, external: true };
    const [, entry] = /\/src\/(index|emulator|node)\.js$/.exec(id) ?? [];
    return entry === undefined ? null : { id: nameOf(entry), external: true };
  },
  // Parsed when it runs: as code, a field called `__proto__` would be lost.
  load(id) {
    if (!id.endsWith('.json')) return null;
    const text = JSON.stringify(readFileSync(id, 'utf8'));
    return { code: `export default JSON.parse(${text});`, moduleType: 'js' };
  },
});
