import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config,
  ts.sys,
  root,
);

/** The entries of the package, by the name that programs import. */
const ENTRIES: Readonly<Record<string, string>> = Object.fromEntries(
  ['index', 'node', 'react', 'react-native', 'opfs', 'emulator', 'gateway', 'otel'].map((name) => [
    name === 'index' ? 'nikdev-iot' : `nikdev-iot/${name}`,
    join(root, 'src', `${name}.ts`),
  ]),
);

/** A function, method or class that programs call, and its examples. */
interface Call {
  readonly name: string;
  readonly entry: string;
  readonly examples: readonly string[];
}

const program = ts.createProgram(Object.values(ENTRIES), options);
const checker = program.getTypeChecker();

const isInternal = (symbol: ts.Symbol): boolean => symbol.getJsDocTags().some(({ name }) => name === 'internal');
const isPublic = (symbol: ts.Symbol): boolean =>
  /^[a-z]/.test(symbol.name) &&
  !(symbol.declarations ?? []).some((one) => ts.getCombinedModifierFlags(one) & ts.ModifierFlags.Private) &&
  !isInternal(symbol);

function call(entry: string, name: string, symbol: ts.Symbol): Call {
  const texts = symbol
    .getJsDocTags(checker)
    .filter((tag) => tag.name === 'example')
    .map(({ text }) => ts.displayPartsToString(text));
  return { name, entry, examples: texts };
}

/** Whether a member is called: a method, or a property whose type is a function. */
function isCallable(member: ts.Symbol): boolean {
  const [declaration] = member.declarations ?? [];
  if (declaration === undefined) return false;
  return checker.getTypeOfSymbolAtLocation(member, declaration).getCallSignatures().length > 0;
}

/** Interfaces whose objects the package makes, and programs call. */
const OBJECTS = ['Emulator', 'Gateway', 'GatewayServer'];

function callsOf(entry: string, file: string): Call[] {
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} is not a module`);
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const isFunction = symbol.flags & ts.SymbolFlags.Variable && isCallable(symbol);
    if (symbol.flags & ts.SymbolFlags.Function || isFunction) return [call(entry, exported.name, symbol)];
    const isApi = exported.name === 'Api';
    if (!isApi && !OBJECTS.includes(exported.name)) return [];
    const members = [...(symbol.members?.values() ?? []), ...(isApi ? (symbol.exports?.values() ?? []) : [])];
    const calls = members.filter((member) => isPublic(member) && isCallable(member));
    return [
      ...(isApi ? [call(entry, 'Api', symbol)] : []),
      ...calls.map((member) => call(entry, `${exported.name}.${member.name}`, member)),
    ];
  });
}

const calls = Object.entries(ENTRIES).flatMap(([entry, file]) => callsOf(entry, file));

/** The code of an example. */
const codeOf = (example: string): string => /```tsx?\n([\s\S]*?)```/.exec(example)?.[1] ?? example.replaceAll('`', '');

/** Names that an example may use without a declaration of its own, as the docs of one call do. */
const GIVEN: Readonly<Record<string, string>> = {
  api: "declare const api: import('nikdev-iot').Api",
  emulator: "declare const emulator: import('nikdev-iot/emulator').Emulator",
  gateway: "declare const gateway: import('nikdev-iot/gateway').Gateway",
  deviceId: 'declare const deviceId: string',
  apiKey: 'declare const apiKey: string',
  meterProvider: "declare const meterProvider: import('@opentelemetry/api').MeterProvider",
  Bun: 'declare const Bun: { serve(options: object): void }',
  readFileSync: "import { readFileSync } from 'node:fs'",
  createMMKV: "import { createMMKV } from 'react-native-mmkv'",
  mmkv: "declare const mmkv: import('nikdev-iot/react-native').MmkvLike",
};

/** Modules of React Native, which are not installed here. */
const MODULES = `
declare module 'react-native' { export const AppState: import('nikdev-iot/react-native').AppStateLike }
declare module '@react-native-community/netinfo' { const NetInfo: import('nikdev-iot/react-native').NetInfoLike; export default NetInfo }
declare module 'react-native-mmkv' { export function createMMKV(options?: object): import('nikdev-iot/react-native').MmkvLike }
`;

const names = new Map(calls.filter(({ name }) => !name.includes('.')).map(({ name, entry }) => [name, entry]));
for (const name of ['PushException', 'isApiException']) names.set(name, 'nikdev-iot');

/** The example as a module, with imports of the names of this package that it uses. */
function moduleOf(code: string): string {
  const uses = (name: string): boolean => new RegExp(`(?<![\\w.'/])${name}\\b`).test(code);
  const declares = (name: string): boolean =>
    new RegExp(
      `(?:const|let|function)\\s+${name}\\b|(?:const|import)\\s+(?:type\\s+)?\\{[^}]*\\b${name}\\b[^}]*\\}`,
    ).test(code);
  const imports = [...names]
    .filter(([name]) => uses(name) && !declares(name))
    .map(([name, entry]) => `import { ${name} } from '${entry}'`);
  const given = Object.entries(GIVEN)
    .filter(([name]) => uses(name) && !declares(name))
    .map(([, declaration]) => declaration);
  return [...imports, ...given, code, 'export {}'].join('\n');
}

/** The errors of TypeScript in modules, each with its module. */
function errorsIn(modules: readonly string[]): string[] {
  const files = new Map(modules.map((code, index) => [join(root, 'src', `example-${index}.tsx`), code]));
  files.set(join(root, 'src', 'example-modules.d.ts'), MODULES);
  const compilerOptions: ts.CompilerOptions = {
    ...options,
    noEmit: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
    noPropertyAccessFromIndexSignature: false,
    jsx: ts.JsxEmit.ReactJSX,
    lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    paths: Object.fromEntries(Object.entries(ENTRIES).map(([name, file]) => [name, [file]])),
  };
  const host = ts.createCompilerHost(compilerOptions);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.getSourceFile = (path, target, ...rest) => {
    const code = files.get(path);
    return code === undefined ? getSourceFile(path, target, ...rest) : ts.createSourceFile(path, code, target);
  };
  const examples = ts.createProgram([...files.keys()], compilerOptions, host);
  return [...files].flatMap(([path, code]) =>
    ts
      .getPreEmitDiagnostics(examples, examples.getSourceFile(path))
      .map(({ messageText }) => `${ts.flattenDiagnosticMessageText(messageText, '\n')}\n${code}`),
  );
}

describe('the doc comments', () => {
  test('have an example of every call', () => {
    expect(calls.length).toBeGreaterThanOrEqual(45);
    expect(calls.filter(({ examples }) => examples.length === 0).map(({ name }) => name)).toEqual([]);
  });

  test('have examples that TypeScript takes', { timeout: 60_000 }, () => {
    expect(errorsIn(calls.flatMap(({ examples }) => examples.map(codeOf).map(moduleOf)))).toEqual([]);
  });
});
