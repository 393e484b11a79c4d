import { addTooltip, listenToKeys } from './chart-cursor.js';
import { createSeries } from './series.js';
import { seconds } from './text.js';
import { LONGEST } from './view.js';

const { uPlot } = window;

/** The least height of a chart, as a share of the numbers in it. */
const MIN_RELATIVE_SPAN = 1e-6;
/** Charts leave out numbers beyond this: their ranges would not be numbers any more. */
export const MAX_CHARTED = 1e24;
const TICK_WIDTH = 64;

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * A chart of the points of a field.
 *
 * @param {HTMLElement} element - Takes the chart, and gives it its size.
 * @param {object} options
 * @param {string} options.unit
 * @param {boolean} options.holds - Whether a value holds until the next one, as entered values do.
 * @param {(value: number) => string} options.format
 * @param {ReturnType<typeof import('./view.js').createView>} options.view
 */
export function createChart(element, { unit, holds, format, view }) {
  const series = createSeries();
  const maxTicks = (plot) => Math.max(1, Math.floor(plot.bbox.width / devicePixelRatio / TICK_WIDTH));

  const plot = new uPlot(
    {
      width: Math.max(element.clientWidth, 1),
      height: Math.max(element.clientHeight, 1),
      legend: { show: false },
      cursor: cursor(view),
      scales: {
        x: { range: view.range },
        y: { range: (_, low, high) => range(unit, low ?? 0, high ?? 1) },
      },
      axes: [
        axis({
          size: 26,
          splits: (self) => view.ticks(maxTicks(self)).times,
          values: (self) => view.ticks(maxTicks(self)).labels,
        }),
        axis({
          space: 34,
          values: (_, splits) => splits.map(formatTick),
          size: (_, labels) => 14 + 7 * Math.max(0, ...(labels ?? []).map((label) => label.length)),
        }),
      ],
      series: [{}, line('--accent', { holds, series, fill: shade }), line('--late', { holds, series })],
      padding: [8, 14, 0, 0],
      hooks: {
        setSelect: [(self) => zoomToSelection(self, view)],
      },
    },
    [[], [], []],
    element,
  );
  addTooltip(plot, (value) => `${format(value)} ${unit}`.trim());
  listenToKeys(element, plot, view);
  new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: element.clientHeight })).observe(element);

  return {
    series,
    redraw: () => plot.redraw(),
    draw() {
      series.forgetBefore(seconds() - LONGEST);
      plot.setData(holds ? series.dataUntil(seconds()) : series.data());
    },
  };
}

/** One cursor for all charts; a drag along the time zooms all of them in, a double click out. */
function cursor(view) {
  return {
    y: false,
    drag: { x: true, y: false, setScale: false },
    sync: { key: 'readings', scales: ['x', null] },
    points: { size: 9, width: 2, fill: () => colour('--card') },
    bind: {
      dblclick: () => () => {
        view.zoomOut();
        return null;
      },
    },
  };
}

function zoomToSelection(plot, view) {
  const { left, width } = plot.select;
  if (width === 0) return;
  const range = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  view.zoomTo(range);
}

function line(name, { holds, series, fill }) {
  return {
    stroke: () => colour(name),
    fill,
    width: 2,
    paths: holds ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
    gaps: (plot, _, from, to, gaps) => (holds ? gaps : [...gaps, ...gapsOf(plot, from, to, series.gapSeconds())]),
    points: {
      show: true,
      size: 5,
      width: 0,
      fill: () => colour(name),
      filter: (plot, index) => (holds ? [] : lonely(plot.data[0], plot.data[index], series.gapSeconds())),
    },
  };
}

/** @returns {[number, number][]} Where the line is interrupted, in pixels. */
export function gapsOf(plot, from, to, gapSeconds) {
  const [times] = plot.data;
  const gaps = [];
  for (let index = Math.max(from, 1); index <= to; index++) {
    if (times[index] - times[index - 1] <= gapSeconds) continue;
    gaps.push([times[index - 1], times[index]].map((time) => Math.round(plot.valToPos(time, 'x', true))));
  }
  return gaps;
}

/** @returns {number[]} Points without a neighbour, which no line shows. */
export function lonely(times, values, gapSeconds) {
  const joins = (one, other) =>
    values[one] != null && values[other] != null && Math.abs(times[one] - times[other]) <= gapSeconds;
  return [...times.keys()].filter(
    (index) => values[index] != null && !joins(index, index - 1) && !joins(index, index + 1),
  );
}

/** Percent stand on zero and end at a hundred; anything else, a temperature say, is shown where it moves. */
function range(unit, low, high) {
  // Ticks closer to each other than numbers of this size can be would never come to an end.
  const resolution = Math.max(Math.abs(low), Math.abs(high)) * MIN_RELATIVE_SPAN;
  const isFlat = high - low <= resolution;
  const margin = Math.max(1, resolution);
  const [bottom, top] = isFlat ? [low - margin, high + margin] : uPlot.rangeNum(low, high, 0.1, true);
  return unit === '%' && low >= 0 && high <= 100 ? [0, Math.min(top, 100)] : [bottom, top];
}

const formatTick = (tick) =>
  Math.abs(tick) >= 1e9 ? tick.toExponential(2) : tick.toLocaleString(undefined, { maximumFractionDigits: 6 });

function shade({ ctx, bbox }) {
  const gradient = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height);
  gradient.addColorStop(0, `${colour('--accent')}38`);
  gradient.addColorStop(1, `${colour('--accent')}03`);
  return gradient;
}

function axis(options) {
  // Functions, as they are called at each drawing: the colours follow the scheme.
  return {
    stroke: () => colour('--muted'),
    grid: { stroke: () => colour('--grid'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
    ...options,
  };
}
