import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A program that uses the package and must compile, whatever its library. */
const USES = `
import { Api, type Status, type QuarantinedEntry, type RetryEvent } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';
import { createEmulator } from 'nikdev-iot/emulator';
import { useApi, useReadings, useStatus } from 'nikdev-iot/react';
export function useDevice(deviceId: string): number {
  const api = useApi({ deviceId, apiKey: '', fields: { door: 'a', room: 'b' } });
  const [reading] = useReadings(api, ['door', 'room'], { everySeconds: 5 });
  const name: 'door' | 'room' | undefined = reading?.field;
  return useStatus(api).committed + (name?.length ?? 0);
}
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

/** The declarations of TypeScript and Node, far larger than this package's, are parsed once and not checked themselves. */
const PLATFORM = /\/node_modules\/(typescript|@types)\//;
const parsed = new Map<string, ts.SourceFile | undefined>();

/** The errors of a program whose files stand beside this package, with all that it uses checked too, its platform aside. */
function errorsOf(text: string, options: ts.CompilerOptions, names = ['consumer.ts']): string[] {
  const files = names.map((name) => `${root}${name}`);
  const all: ts.CompilerOptions = { strict: true, noEmit: true, skipLibCheck: false, types: [], ...options };
  const host = ts.createCompilerHost(all);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, target, ...rest) => {
    if (files.includes(name)) return ts.createSourceFile(name, text, target);
    const key = `${name} ${options.module} ${JSON.stringify(target)}`;
    if (!parsed.has(key)) parsed.set(key, getSourceFile(name, target, ...rest));
    return parsed.get(key);
  };
  host.fileExists = (name) => files.includes(name) || fileExists(name);
  host.readFile = (name) => (files.includes(name) ? text : readFile(name));
  const program = ts.createProgram(files, all, host);
  return program
    .getSourceFiles()
    .filter(({ fileName }) => !PLATFORM.test(fileName))
    .flatMap((file) => ts.getPreEmitDiagnostics(program, file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

const BUNDLER = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
const NODE16 = { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 };
const NODE_NEXT = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };
const FOR_NODE = ['consumer.mts', 'consumer.cts'];
const RESOLUTIONS: [string, ts.CompilerOptions, string[]][] = [
  ['bundler', BUNDLER, ['consumer.ts']],
  ['node16', NODE16, FOR_NODE],
  ['nodenext', NODE_NEXT, FOR_NODE],
];
const OLD = ['lib.es2022.d.ts'];
const WITH_DISPOSABLE = ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'];
const DOM = ['lib.dom.d.ts', 'lib.dom.iterable.d.ts'];

const TIMEOUT = 60_000;

describe('a program that is compiled with the types of this package, all of them checked,', () => {
  test.each(
    RESOLUTIONS.flatMap(([resolution, options, files]) => [
      { resolution, options: { ...options, lib: OLD }, files, platform: 'nothing but the language' },
      { resolution, options: { ...options, lib: [...OLD, ...DOM] }, files, platform: 'a page' },
      { resolution, options: { ...options, lib: OLD, types: ['node'] }, files, platform: 'Node' },
    ]),
  )(
    'as $resolution finds them, and with $platform in its library, has no error',
    ({ options, files }) => {
      expect(errorsOf(USES, { target: ts.ScriptTarget.ES2022, ...options }, files)).toEqual([]);
    },
    TIMEOUT,
  );

  test.each<[string, ts.CompilerOptions]>([
    ['with disposing', { lib: WITH_DISPOSABLE }],
    ['with all that is new', { lib: ['lib.esnext.full.d.ts'] }],
    ['for pages that are tested in Node', { lib: [...WITH_DISPOSABLE, ...DOM], types: ['node'] }],
    ['with exact optional properties', { lib: OLD, exactOptionalPropertyTypes: true }],
  ])(
    '%s has no error',
    (_name, options) => {
      expect(errorsOf(USES, { target: ts.ScriptTarget.ES2022, ...BUNDLER, ...options })).toEqual([]);
    },
    TIMEOUT,
  );

  test.each(RESOLUTIONS)(
    'as %s finds them, gets an error for wrong use',
    (_name, options, files) => {
      const misuse = "import { Api } from 'nikdev-iot';\nnew Api({ deviceId: 1, apiKey: '' });";
      const errors = errorsOf(misuse, { target: ts.ScriptTarget.ES2022, ...options, lib: OLD }, files);
      expect(errors).toEqual(files.map(() => "Type 'number' is not assignable to type 'string'."));
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
