import { seconds } from './text.js';

const { uPlot } = window;

/** What a chart can show, in seconds, and where its ticks are. */
export const SPANS = [
  { name: '1 min', words: 'minute', span: 60, step: 15, label: (ago) => `−${ago} s` },
  { name: '5 min', words: '5 minutes', span: 300, step: 60, label: (ago) => `−${ago / 60} min` },
  { name: '15 min', words: '15 minutes', span: 900, step: 300, label: (ago) => `−${ago / 60} min` },
  { name: '1 h', words: 'hour', span: 3600, step: 900, label: (ago) => `−${ago / 60} min` },
];
const LONGEST = SPANS.at(-1);
/** The least height of a chart, as a share of the numbers in it. */
const MIN_RELATIVE_SPAN = 1e-6;
/** Charts leave out numbers beyond this: their ranges would not be numbers any more. */
export const MAX_CHARTED = 1e24;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * A chart of what was met while the page was open.
 *
 * @param {HTMLElement} element - Takes the chart, and gives it its size.
 * @param {object} options
 * @param {string} options.unit
 * @param {boolean} options.holds - Whether a value holds until the next one, as what people enter does.
 * @param {(time?: number, value?: number) => void} options.onPoint - Told what is pointed at.
 */
export function createChart(element, { unit, holds, onPoint }) {
  const history = createHistory();
  let now = seconds();
  let shown = SPANS[0];
  // How long ago they are.
  const ticks = () => Array.from({ length: shown.span / shown.step + 1 }, (_, tick) => tick * shown.step);
  const pointAt = ({ data: [times, values], cursor: { idx } }) => onPoint(times[idx ?? -1], values[idx ?? -1]);

  const plot = new uPlot(
    {
      width: Math.max(element.clientWidth, 1),
      height: element.clientHeight,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: {
        x: { range: () => [now - shown.span, now] },
        y: { range: (_, low, high) => range(unit, low ?? 0, high ?? 1) },
      },
      axes: [
        axis({
          size: 24,
          // They stay where they are while the line moves.
          splits: () => ticks().map((tick) => now - tick),
          values: () => ticks().map((tick) => (tick === 0 ? 'now' : shown.label(tick))),
        }),
        axis({
          space: 36,
          values: (_, splits) => splits.map(formatTick),
          size: (_, labels) => 14 + 7 * Math.max(0, ...(labels ?? []).map((label) => label.length)),
        }),
      ],
      series: [
        {},
        {
          stroke: () => colour('--accent'),
          fill: shade,
          width: 1.75,
          paths: holds ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
          points: { show: () => !holds && history.length < 3 },
        },
      ],
      padding: [8, 12, 0, 0],
      hooks: { setCursor: [pointAt] },
    },
    [[], []],
    element,
  );
  new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: element.clientHeight })).observe(element);

  return {
    add: history.add,
    miss: history.miss,
    redraw: () => plot.redraw(),
    show(span) {
      shown = span;
    },
    draw() {
      now = seconds();
      history.forgetBefore(now - LONGEST.span);
      plot.setData(history.until(holds ? now : undefined));
    },
    /** The lowest and the highest value on show. */
    extent() {
      const known = history.valuesSince(now - shown.span);
      return known.length > 1 ? { low: Math.min(...known), high: Math.max(...known), words: shown.words } : undefined;
    },
  };
}

function createHistory() {
  const times = [];
  const values = [];
  let missed = false;
  const push = (timestamp, value) => {
    times.push(timestamp);
    values.push(value);
  };
  return {
    get length() {
      return times.length;
    },
    /** To be told when nobody has looked for a while: what was missed is drawn as a gap. */
    miss() {
      missed = true;
    },
    add(timestamp, value) {
      const last = times.at(-1) ?? -Infinity;
      // Times are whole seconds, moved to the local clock: one reading may be met a second off.
      if (timestamp <= last) {
        values[values.length - 1] = value;
        return;
      }
      if (missed && timestamp > last + 1 && times.length > 0) push(last + 1, null);
      push(timestamp, value);
      missed = false;
    },
    /** Keeps one that is older, for the line to come from. */
    forgetBefore(oldest) {
      const stale = times.findIndex((time) => time >= oldest) - 1;
      if (stale <= 0) return;
      times.splice(0, stale);
      values.splice(0, stale);
    },
    until(now) {
      return now > times.at(-1)
        ? [
            [...times, now],
            [...values, values.at(-1)],
          ]
        : [times, values];
    },
    valuesSince: (oldest) => values.filter((value, index) => value !== null && times[index] >= oldest),
  };
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
  gradient.addColorStop(0, `${colour('--accent')}3d`);
  gradient.addColorStop(1, `${colour('--accent')}05`);
  return gradient;
}

function axis(options) {
  // Functions, as they are asked anew at each drawing: the colours follow the scheme.
  return {
    stroke: () => colour('--muted'),
    grid: { stroke: () => colour('--grid'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
    ...options,
  };
}
