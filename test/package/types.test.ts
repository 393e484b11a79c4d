import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a program that uses the package may write, whatever its library. */
const USES = `
import { Api, type Status, type QuarantinedEntry, type RetryEvent } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { createEmulator } from 'nikdev-iot/emulator';
export function use(api: Api): Promise<void> {
  const status: Status = api.status();
  const quarantined: QuarantinedEntry[] = api.quarantined();
  api.on('retry', ({ seconds }: RetryEvent) => seconds.toFixed());
  api.subscribe(() => {});
  new Api({ deviceId: '', apiKey: '', storage: fileStorage('x'), autoPush: { everySeconds: 5 }, fetch: createEmulator({ devices: [] }).fetch });
  return api.close({ push: status.committed > quarantined.length, timeoutSeconds: 5 });
}
`;

/** Where the library knows of disposing. */
const DISPOSES = `
import { Api } from 'nikdev-iot';
export async function dispose(given: Api): Promise<void> {
  await using api = new Api({ deviceId: '', apiKey: '', autoPush: true });
  const disposable: AsyncDisposable = given;
  api.status();
  await disposable[Symbol.asyncDispose]();
}
`;

/** The errors of a program of one file that stands beside this package, with all that it uses checked too. */
function errorsOf(text: string, options: ts.CompilerOptions): string[] {
  const file = `${root}consumer.ts`;
  const all: ts.CompilerOptions = { strict: true, noEmit: true, skipLibCheck: false, types: [], ...options };
  const host = ts.createCompilerHost(all);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest);
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? text : readFile(name));
  return ts
    .getPreEmitDiagnostics(ts.createProgram([file], all, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

const BUNDLER = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
const NODE_ESM = { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 };
const OLD = ['lib.es2022.d.ts'];
const WITH_DISPOSABLE = ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'];
const DOM = ['lib.dom.d.ts', 'lib.dom.iterable.d.ts'];

const TIMEOUT = 60_000;

describe('a program that is compiled with the types of this package, all of them checked,', () => {
  test.each<[string, ts.CompilerOptions]>([
    ['of a bundler, without disposing in its library', { ...BUNDLER, lib: OLD }],
    ['of a bundler, for pages', { ...BUNDLER, lib: [...OLD, ...DOM] }],
    ['of a bundler, with disposing', { ...BUNDLER, lib: WITH_DISPOSABLE }],
    ['of a bundler, with all that is new', { ...BUNDLER, lib: ['lib.esnext.full.d.ts'] }],
    ['of a bundler, with the types of Node', { ...BUNDLER, lib: OLD, types: ['node'] }],
    ['of a bundler, with both', { ...BUNDLER, lib: [...WITH_DISPOSABLE, ...DOM], types: ['node'] }],
    ['of Node, without disposing', { ...NODE_ESM, lib: OLD }],
    ['of Node, with its types', { ...NODE_ESM, lib: OLD, types: ['node'] }],
    ['with exact optional properties', { ...BUNDLER, lib: OLD, exactOptionalPropertyTypes: true }],
  ])(
    '%s has no error',
    (_name, options) => {
      expect(errorsOf(USES, { target: ts.ScriptTarget.ES2022, ...options })).toEqual([]);
    },
    TIMEOUT,
  );

  test.each<[string, ts.CompilerOptions]>([
    ['of the language', { lib: WITH_DISPOSABLE }],
    ['of the language, beside that of Node', { lib: WITH_DISPOSABLE, types: ['node'] }],
    ['of Node', { lib: OLD, types: ['node'] }],
  ])(
    'may say `await using`, with the library %s',
    (_name, options) => {
      expect(errorsOf(DISPOSES, { target: ts.ScriptTarget.ES2022, ...BUNDLER, ...options })).toEqual([]);
    },
    TIMEOUT,
  );
});
