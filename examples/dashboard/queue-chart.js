import { colour } from './chart.js';

const { uPlot } = window;
const SPAN_SECONDS = 120;
const MIN_TOP = 5;

/** A chart of the number of readings that wait, over two minutes. */
export function createQueueChart(element) {
  let now = 0;
  const plot = new uPlot(
    {
      width: Math.max(element.clientWidth, 1),
      height: Math.max(element.clientHeight, 1),
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { range: () => [now - SPAN_SECONDS, now] },
        y: { range: (_, __, high) => [0, Math.max(MIN_TOP, Math.ceil((high ?? 0) * 1.15))] },
      },
      axes: [
        { show: false },
        {
          side: 1,
          size: 34,
          space: 28,
          stroke: () => colour('--muted'),
          grid: { stroke: () => colour('--grid'), width: 1 },
          ticks: { show: false },
          font: '12px system-ui, sans-serif',
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
        },
      ],
      series: [
        {},
        {
          stroke: () => colour('--wait'),
          fill: () => `${colour('--wait')}2e`,
          width: 2,
          paths: uPlot.paths.stepped({ align: 1 }),
          points: { show: false },
        },
      ],
      padding: [6, 0, 7, 0],
    },
    [[], []],
    element,
  );
  new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: element.clientHeight })).observe(element);
  return {
    show({ now: time, samples, waiting }) {
      now = time;
      const points = [...samples, [time, waiting]];
      plot.setData([points.map(([at]) => at), points.map(([, count]) => count)]);
      element.setAttribute('aria-label', `Waiting readings over the last two minutes, ${waiting} now`);
    },
  };
}
