import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, test, vi } from 'vitest';

const script = readFileSync(new URL('../../dist/index.umd.js', import.meta.url), 'utf8');

/** Runs the script in a realm that has some globals. */
function run(globals: object): Record<string, unknown> {
  const context = createContext({ URL, TextDecoder, TextEncoder, ...globals });
  runInContext(script, context);
  return context;
}

const exported = expect.objectContaining({ Api: expect.any(Function), isApiException: expect.any(Function) });
const pageOf = (attributes: readonly string[]) => ({
  currentScript: { hasAttribute: (name: string) => attributes.includes(name) },
});
const amd = () => Object.assign(vi.fn(), { amd: {} });

describe('F58 the script for a script tag sets its global', () => {
  test.each<[string, object]>([
    ['in a page', { document: pageOf([]) }],
    ['in a worker', {}],
    ['beside elements with the ids module and exports', { document: pageOf([]), module: {}, exports: {} }],
    ['beside elements of null', { document: pageOf([]), module: null, exports: null }],
    ['where another script took the name', { document: pageOf([]), NikDevIoT: { nodeName: 'DIV' } }],
  ])('%s', (_where, globals) => {
    expect(run(globals)['NikDevIoT']).toEqual(exported);
  });

  test('beside an AMD loader that did not ask for it, under a name that makes it harmless', () => {
    const define = amd();
    expect(run({ document: pageOf([]), define })['NikDevIoT']).toEqual(exported);
    expect(define.mock.calls).toEqual([['nikdev-iot', [], expect.any(Function)]]);
    expect(define.mock.calls[0]?.[2]()).toEqual(exported);
  });

  test('and is the module of an AMD loader that asked for it', () => {
    const define = amd();
    expect(run({ document: pageOf(['data-requiremodule']), define })['NikDevIoT']).toEqual(exported);
    expect(define.mock.calls).toEqual([[expect.any(Function)]]);
    expect(define.mock.calls[0]?.[0]()).toEqual(exported);
  });

  test('and the exports of CommonJS in a page, as Electron has it', () => {
    const module = { exports: {} };
    const { exports } = module;
    expect(run({ document: pageOf([]), module, exports })['NikDevIoT']).toEqual(exported);
    expect(module.exports).toEqual(exported);
  });

  test('but none in Node, where it is required', () => {
    const module = { exports: {} };
    const { exports } = module;
    expect(run({ module, exports })['NikDevIoT']).toBeUndefined();
    expect(module.exports).toEqual(exported);
  });
});

test('F58 the script for a script tag makes no other script strict that is joined to it', () => {
  const context = createContext({ document: pageOf([]), URL, TextDecoder, TextEncoder });
  runInContext(`${script}\nsloppy = 1;`, context);
  expect(context['sloppy']).toBe(1);
});
