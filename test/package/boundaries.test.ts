import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Imports that are planted, each in a file of its own, and what must become of them. */
const planted = [
  ['src/core/', './time/clock.js', 'refused'],
  ['src/core/time/', './clock.js', 'taken'],
  ['src/core/time/', '../model/value.js', 'refused'],
  ['src/core/model/', '../time/clock.js', 'taken'],
  ['src/core/model/', '../ports/storage.js', 'refused'],
  ['src/core/ports/', '../model/value.js', 'taken'],
  ['src/core/ports/', '../notify/emitter.js', 'refused'],
  ['src/core/notify/', '../ports/storage.js', 'taken'],
  ['src/core/notify/', '../outbox/outbox.js', 'refused'],
  ['src/core/options/', '../ports/storage.js', 'taken'],
  ['src/core/options/', '../server/redact.js', 'refused'],
  ['src/core/server/', '../options/options.js', 'taken'],
  ['src/core/server/', '../push/batch.js', 'refused'],
  ['src/core/outbox/', '../options/options.js', 'taken'],
  ['src/core/outbox/', '../server/verdict.js', 'refused'],
  ['src/core/staging/', '../outbox/outbox.js', 'taken'],
  ['src/core/staging/', '../push/batch.js', 'refused'],
  ['src/core/push/', '../server/verdict.js', 'taken'],
  ['src/core/push/', '../read/reader.js', 'refused'],
  ['src/core/read/', '../push/batch.js', 'taken'],
  ['src/core/read/', '../staging/staging.js', 'refused'],
  ['src/core/push/', '../../api.js', 'refused'],
  ['src/core/push/', '../../storage/memory/memory-storage.js', 'refused'],
  ['src/core/push/', 'ky', 'refused'],
  ['src/core/push/', 'node:fs', 'refused'],
  ['src/core/push/', 'hono', 'refused'],
  ['src/core/push/', 'fast-check', 'refused'],
  ['src/core/push/', 'valibot', 'refused'],
  ['src/core/options/', 'valibot', 'taken'],
  ['src/core/options/', 'ky', 'refused'],
  ['src/storage/web/', '../../transport/fetch-transport.js', 'refused'],
  ['src/storage/web/', '../../platform/environment.js', 'refused'],
  ['src/storage/web/', '../memory/memory-storage.js', 'refused'],
  ['src/storage/mmkv/', '../web/writer.js', 'taken'],
  ['src/storage/mmkv/', '../memory/memory-storage.js', 'refused'],
  ['src/storage/web/', 'node:fs', 'refused'],
  ['src/storage/web/', '../../core/model/value.js', 'taken'],
  ['src/storage/web/', '../shared/range-set.js', 'taken'],
  ['src/storage/web/', './records/keys.js', 'taken'],
  ['src/storage/web/lease/', '../records/keys.js', 'taken'],
  ['src/storage/web/lease/', '../writer.js', 'refused'],
  ['src/storage/web/records/', '../lease/lease.js', 'refused'],
  ['src/storage/opfs/', '../memory/memory-storage.js', 'taken'],
  ['src/storage/opfs/', '../shared/journal/record.js', 'taken'],
  ['src/storage/opfs/', '../file/writer.js', 'refused'],
  ['src/storage/opfs/', 'node:fs', 'refused'],
  ['src/storage/shared/journal/', '../range-set.js', 'taken'],
  ['src/storage/shared/journal/', '../../file/writer.js', 'refused'],
  ['src/storage/shared/journal/', 'node:zlib', 'refused'],
  ['src/storage/file/', 'node:path', 'taken'],
  ['src/storage/file/', 'node:fs', 'refused'],
  ['src/storage/file/journal/', 'node:fs', 'refused'],
  ['src/storage/file/journal/', 'node:fs/promises', 'refused'],
  ['src/storage/file/ownership/', 'node:fs', 'refused'],
  ['src/storage/file/journal/', '../ownership/orphans.js', 'refused'],
  ['src/storage/file/ownership/', '../journal/journal.js', 'taken'],
  ['src/storage/file/ownership/', '../journal-directory.js', 'refused'],
  ['src/transport/', '../api.js', 'refused'],
  ['src/http/', '../emulator/device.js', 'refused'],
  ['src/emulator/', '../http/cors.js', 'taken'],
  ['src/emulator/', '../storage/memory/memory-storage.js', 'refused'],
  ['src/gateway/', '../emulator/device.js', 'refused'],
  ['src/gateway/', '../client.js', 'taken'],
  ['src/gateway/front/', '../keys/secret.js', 'taken'],
  ['src/gateway/front/', '../worker/worker.js', 'refused'],
  ['src/gateway/worker/', '../front/front.js', 'refused'],
  ['src/gateway/worker/', '../../storage/memory/memory-storage.js', 'taken'],
  ['src/gateway/worker/', '../../storage/web/writer.js', 'refused'],
  ['src/gateway/keys/', '../front/front.js', 'refused'],
  ['src/platform/', '../api.js', 'refused'],
  ['src/platform/', '../storage/memory/memory-storage.js', 'taken'],
  ['src/cli/', '../index.js', 'taken'],
  ['src/cli/', '../core/model/input.js', 'taken'],
  ['src/cli/', '../api.js', 'refused'],
  ['src/cli/commands/', '../../emulator.js', 'taken'],
  ['src/cli/commands/', '../session.js', 'taken'],
  ['src/cli/commands/', '../../storage/file/journal/journal.js', 'refused'],
  ['src/cli/config/', '../../core/options/schema.js', 'refused'],
  ['src/cli/folder/', '../../storage/file/journal/journal.js', 'taken'],
  ['src/cli/folder/', '../../core/outbox/outbox.js', 'refused'],
  ['src/cli/folder/', '../../index.js', 'refused'],
  ['src/', 'node:fs', 'refused'],
] as const;

const fileOf = (place: string, index: number): string => `${place}planted${index}.ts`;

interface Diagnostic {
  readonly category: string;
  readonly location: { readonly path: string | { readonly file: string } };
}

/** Plants them all under the house's rules. @returns The files in which Biome refuses an import. */
function refusedImports(): Set<string> {
  const folder = mkdtempSync(join(tmpdir(), 'nikdev-iot-'));
  try {
    writeFileSync(join(folder, 'biome.json'), readFileSync(`${root}biome.json`));
    for (const [index, [place, imported]] of planted.entries()) {
      const path = join(folder, fileOf(place, index));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `import { x } from '${imported}';\n\nexport const y = x;\n`);
    }
    const biome = `${root}node_modules/.bin/biome`;
    const { stdout } = spawnSync(biome, ['lint', '--reporter=json', '--max-diagnostics=none'], { cwd: folder });
    const { diagnostics } = JSON.parse(stdout.toString()) as { diagnostics: Diagnostic[] };
    const refused = diagnostics.filter(({ category }) => /noRestrictedImports|noNodejsModules/.test(category));
    return new Set(refused.map(({ location: { path } }) => (typeof path === 'string' ? path : path.file)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The type errors of code as if it stood in a file of this tree, under the tsconfig of its folder. */
function typeErrors(config: string, path: string, code: string): string[] {
  const file = `${root}${path}`;
  const parsed = ts.readConfigFile(`${root}${config}`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(parsed.config, ts.sys, dirname(`${root}${config}`));
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.getSourceFile = (name, target) =>
    name === file ? ts.createSourceFile(name, code, target) : getSourceFile.call(host, name, target);
  const program = ts.createProgram([file], options, host);
  const diagnostics = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

describe('the boundaries of the house', () => {
  const refused = refusedImports();

  test.each(planted.map(([place, imported, fate], index) => ({ place, imported, fate, file: fileOf(place, index) })))(
    'in $place an import of $imported is $fate',
    ({ fate, file }) => {
      expect(refused.has(file)).toBe(fate === 'refused');
    },
  );

  const platforms = {
    'src/core/tsconfig.json': {
      file: 'src/core/push/planted.ts',
      unknown: ['localStorage', 'process', 'console', 'crypto', 'AbortController', 'setTimeout', 'fetch', 'Buffer'],
    },
    'src/tsconfig.json': { file: 'src/storage/planted.ts', unknown: ['process', 'Buffer', 'setImmediate'] },
    'src/tsconfig.node.json': { file: 'src/storage/file/planted.ts', unknown: ['document', 'window', 'localStorage'] },
  };
  test.each(Object.entries(platforms))(
    'the code that %s compiles knows no other platform',
    (config, { file, unknown }) => {
      const code = unknown.map((name, index) => `export const planted${index} = ${name};`).join('\n');
      expect(typeErrors(config, file, code)).toEqual(unknown.map((name) => expect.stringContaining(`'${name}'`)));
    },
  );
});
