import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

type Range = readonly [from: number, to: number];

interface View {
  range(): Range;
  readonly isZoomed: boolean;
  tick(earliest: number): void;
  choose(span: { readonly span: number }): void;
  zoomTo(range: Range): void;
  zoomOut(): void;
  ticks(max: number): { readonly times: number[]; readonly labels: string[] };
}

interface Series {
  add(time: number, value: number, isLate?: boolean): void;
  forgetBefore(oldest: number): void;
  data(): [times: number[], values: number[], late: (number | null)[]];
  dataUntil(now: number): [times: number[], values: number[], late: (number | null)[]];
  gapSeconds(): number;
  between(from: number, to: number): { values: number[]; late: number };
}

interface Plot {
  readonly data: readonly [times: number[]];
  valToPos(time: number): number;
}

const load = async (name: string): Promise<unknown> =>
  import(new URL(`../../examples/dashboard/${name}`, import.meta.url).href);

// The module of the charts takes it from the page.
vi.stubGlobal('window', {});
const { gapsOf, lonely } = (await load('chart.js')) as {
  gapsOf(plot: Plot, from: number, to: number, gapSeconds: number): Range[];
  lonely(times: number[], values: (number | null)[], gapSeconds: number): number[];
};
vi.unstubAllGlobals();
const { createView, SPANS } = (await load('view.js')) as {
  createView(onChange: () => void): View;
  SPANS: readonly { readonly span: number }[];
};
const { createSeries } = (await load('series.js')) as { createSeries(): Series };

describe('the time that charts show', () => {
  const OPENED = 1_700_000_000;
  const setTime = (seconds: number): void => {
    vi.setSystemTime(seconds * 1000);
  };
  let view: View;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
    setTime(OPENED);
    view = createView(() => undefined);
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const lengthAfter = (seconds: number, first = OPENED): number => {
    setTime(OPENED + seconds);
    view.tick(first);
    const [from, to] = view.range();
    expect(to).toBe(OPENED + seconds);
    return to - from;
  };

  test('grows from ten seconds, with the points, to the chosen minute', () => {
    expect([0, 4, 10, 11, 35, 60, 61, 900].map((seconds) => lengthAfter(seconds))).toEqual([
      10, 10, 10, 11, 35, 60, 60, 60,
    ]);
  });

  test('reaches back to the first point of a history, as far as was chosen', () => {
    expect(lengthAfter(0, OPENED - 45)).toBe(45);
    expect(lengthAfter(0, OPENED - 900)).toBe(60);
    const [, fiveMinutes] = SPANS;
    if (fiveMinutes) view.choose(fiveMinutes);
    expect(lengthAfter(0, OPENED - 900)).toBe(300);
  });

  test('stands while it is zoomed in, and goes on when it is zoomed out', () => {
    const zoomed = [OPENED - 20, OPENED - 10] as const;
    view.zoomTo(zoomed);
    setTime(OPENED + 30);
    view.tick(OPENED);
    expect(view.range()).toEqual(zoomed);
    view.zoomTo([OPENED, OPENED + 1]);
    expect(view.range(), 'too short to zoom in to').toEqual(zoomed);
    view.zoomOut();
    expect(view.range()).toEqual([OPENED, OPENED + 30]);
  });

  test('has as many ticks as fit, in steps that are easy to read', () => {
    lengthAfter(60);
    const labels = ['now', '−15 s', '−30 s', '−45 s', '−60 s'];
    expect(view.ticks(4)).toEqual({ labels, times: [60, 45, 30, 15, 0].map((second) => OPENED + second) });
  });
});

describe('the points of a chart', () => {
  let series: Series;
  beforeEach(() => {
    series = createSeries();
  });
  const add = (times: readonly number[], isLate = false): void => {
    for (const time of times) series.add(time, time * 10, isLate);
  };

  test('are in order of time, with the late ones in a column of their own', () => {
    add([1, 2, 6, 7]);
    add([4, 3], true);
    expect(series.data()).toEqual([
      [1, 2, 3, 4, 6, 7],
      [10, 20, 30, 40, 60, 70],
      [null, null, 30, 40, null, null],
    ]);
    expect(series.between(2, 6)).toEqual({ values: [20, 30, 40, 60], late: 2 });
  });

  test('hold the last value until now, where values hold', () => {
    add([1, 2]);
    expect(series.dataUntil(5)).toEqual([
      [1, 2, 5],
      [10, 20, 20],
      [null, null, null],
    ]);
    expect(series.dataUntil(2)[0]).toEqual([1, 2]);
  });

  test('are kept once for a time, and up to one older than is asked for', () => {
    add([1, 2, 3]);
    series.add(2, 99);
    series.forgetBefore(3);
    expect(series.data().slice(0, 2)).toEqual([
      [2, 3],
      [99, 30],
    ]);
  });

  test('have a gap where a pause is far longer than the usual one, which late points do not change', () => {
    expect(series.gapSeconds()).toBe(Infinity);
    add([0, 5, 10, 15]);
    expect(series.gapSeconds()).toBe(4 * 5 + 2);
    add([60]);
    add([20, 21, 22, 23, 24, 25], true);
    expect(series.gapSeconds()).toBe(4 * 5 + 2);
    add([61, 62, 63, 64, 65, 66]);
    expect(series.gapSeconds()).toBe(4 * 1 + 2);
  });
});

describe('the line of a chart', () => {
  const plot: Plot = { data: [[0, 1, 2, 10, 11, 30]], valToPos: (time) => time * 2.1 };

  test('is interrupted at gaps, in whole pixels', () => {
    expect(gapsOf(plot, 0, 5, 6)).toEqual([
      [4, 21],
      [23, 63],
    ]);
    expect(gapsOf(plot, 0, 5, 8)).toEqual([[23, 63]]);
    expect(gapsOf(plot, 0, 3, 6)).toEqual([[4, 21]]);
    expect(gapsOf(plot, 0, 5, Infinity)).toEqual([]);
  });

  test('leaves out points without a neighbour, which are drawn as dots', () => {
    expect(lonely([0, 1, 2, 10, 11, 30], [1, 1, 1, 1, 1, 1], 6)).toEqual([5]);
    // In the column of late points, null stands between them.
    expect(lonely([0, 1, 2, 3, 4, 5], [1, null, 1, 1, null, 1], 6)).toEqual([0, 5]);
  });
});
