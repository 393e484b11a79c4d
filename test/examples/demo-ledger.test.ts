import { beforeEach, describe, expect, test } from 'vitest';

interface Report {
  readonly committed?: string[];
  readonly waiting: string[];
  readonly quarantined: string[];
  readonly dropped: string[];
}

interface Ledger {
  report(report: Report): void;
  store(numbers: string[]): void;
  figures(): Record<string, number>;
}

const { Ledger: LedgerClass } = (await import(
  new URL('../../examples/demo/ledger.mjs', import.meta.url).href
)) as unknown as { Ledger: new () => Ledger };

const EMPTY = { waiting: [], quarantined: [], dropped: [] };

describe('the ledger of the demo', () => {
  let ledger: Ledger;
  beforeEach(() => {
    ledger = new LedgerClass();
  });

  test('counts a reading where it is: waiting, then stored', () => {
    ledger.report({ ...EMPTY, committed: ['1-1'], waiting: ['1-1'] });
    expect(ledger.figures()).toMatchObject({ committed: 1, waiting: 1, stored: 0, lost: 0 });
    ledger.store(['1-1']);
    expect(ledger.figures()).toMatchObject({ committed: 1, waiting: 0, stored: 1, lost: 0 });
    ledger.report(EMPTY);
    expect(ledger.figures()).toMatchObject({ committed: 1, waiting: 0, stored: 1, lost: 0 });
  });

  test('counts a reading as lost that left the queue and is not stored', () => {
    ledger.report({ ...EMPTY, committed: ['1-1'], waiting: ['1-1'] });
    ledger.report(EMPTY);
    expect(ledger.figures()).toMatchObject({ committed: 1, waiting: 0, stored: 0, lost: 1 });
  });

  test('counts a reading as not lost that is in quarantine, or was dropped from there', () => {
    ledger.report({ ...EMPTY, quarantined: ['1-1'] });
    expect(ledger.figures()).toMatchObject({ committed: 1, quarantined: 1, lost: 0 });
    ledger.report({ ...EMPTY, dropped: ['1-1'] });
    expect(ledger.figures()).toMatchObject({ committed: 1, quarantined: 0, dropped: 1, lost: 0 });
  });

  test('counts a reading as committed whose commit a killed device did not report', () => {
    ledger.store(['1-1']);
    expect(ledger.figures()).toMatchObject({ committed: 1, stored: 1, lost: 0 });
  });

  test('counts a reading as lost that a killed device never reported, once a later one of its run is known', () => {
    ledger.report({ ...EMPTY, committed: ['1-1'], waiting: ['1-1'] });
    // The next run takes over the queue, where the second reading is missing.
    ledger.report({ ...EMPTY, waiting: ['1-1', '1-3'] });
    expect(ledger.figures()).toMatchObject({ committed: 3, waiting: 2, lost: 1 });
    ledger.store(['1-2']);
    expect(ledger.figures()).toMatchObject({ committed: 3, stored: 1, lost: 0 });
    ledger.store(['1-5']);
    expect(ledger.figures()).toMatchObject({ committed: 5, stored: 2, waiting: 2, lost: 1 });
  });

  test('numbers the readings of each run from one', () => {
    ledger.report({ ...EMPTY, committed: ['1-1', '1-2'], waiting: ['1-1', '1-2'] });
    ledger.report({ ...EMPTY, committed: ['2-1'], waiting: ['1-1', '1-2', '2-1'] });
    expect(ledger.figures()).toMatchObject({ committed: 3, waiting: 3, lost: 0 });
  });

  test('counts a reading once that is stored twice', () => {
    ledger.store(['1-1']);
    ledger.store(['1-1']);
    expect(ledger.figures()).toMatchObject({ committed: 1, stored: 1 });
  });
});
