import { describe, expect, test } from 'vitest';

interface Row {
  readonly runtime: string;
  readonly format: string;
  readonly without: string;
  readonly tests: number;
  readonly passed: number;
  readonly failures: readonly string[];
}

const { tally } = (await import(new URL('tally.mjs', import.meta.url).href)) as {
  tally: (rows: readonly Row[]) => { passed: number; failures: string[] };
};

const node: Row = { runtime: 'Node', format: 'esm', without: '', tests: 5, passed: 5, failures: [] };
const bun: Row = { ...node, runtime: 'Bun' };
const worker: Row = { ...node, runtime: 'workerd', without: 'files', tests: 3, passed: 3 };

describe('the tally of what runtimes ran', () => {
  test('adds up what passed', () => {
    expect(tally([node, bun, worker])).toEqual({ passed: 13, failures: [] });
  });

  test('has the failures of all', () => {
    const rows = [{ ...node, passed: 4, failures: ['a'] }, { ...bun, failures: ['b'] }, worker];
    expect(tally(rows)).toEqual({ passed: 12, failures: ['a', 'b'] });
  });

  test('has as a failure that one ran fewer tests than another that leaves out the same', () => {
    const rows = [node, { ...bun, tests: 4, passed: 4 }, worker];
    expect(tally(rows)).toEqual({ passed: 12, failures: ['Bun (esm): ran 4 tests of 5'] });
  });

  test('has one failure of a run that failed before it came to its tests', () => {
    const rows = [node, { ...bun, tests: 0, passed: 0, failures: ['Bun: it is not there'] }];
    expect(tally(rows)).toEqual({ passed: 5, failures: ['Bun: it is not there'] });
  });
});
