import { clockTime, seconds } from './text.js';

/** The longest times that charts show, in seconds. */
export const SPANS = [
  { name: '1 min', words: 'minute', span: 60 },
  { name: '5 min', words: '5 minutes', span: 300 },
  { name: '15 min', words: '15 minutes', span: 900 },
  { name: '1 h', words: 'hour', span: 3600 },
];
export const LONGEST = SPANS.at(-1).span;
/** The axis of a page that has just been opened. */
const SHORTEST = 10;
const MIN_ZOOM = 2;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

/**
 * The time that all charts show: up to the chosen span until now, from the first point on; or the part that was zoomed in to.
 *
 * @param {() => void} onChange - Called when it is chosen anew.
 */
export function createView(onChange) {
  let chosen = SPANS[0];
  let zoom;
  let now = seconds();
  let first = now;

  const change = (act) => (value) => {
    act(value);
    onChange();
  };
  const range = () => zoom ?? [Math.min(Math.max(first, now - chosen.span), now - SHORTEST), now];

  return {
    range,
    get isZoomed() {
      return zoom !== undefined;
    },
    get words() {
      const [from, to] = range();
      if (zoom) return `from ${clockTime(from)} to ${clockTime(to)}`;
      return first <= now - chosen.span ? `in the last ${chosen.words}` : `since ${clockTime(first)}`;
    },
    /** @param {number} earliest - The time of the first point of all charts. */
    tick(earliest) {
      now = seconds();
      first = Math.min(earliest, now);
    },
    choose: change((span) => {
      chosen = span;
      zoom = undefined;
    }),
    zoomTo: change(([from, to]) => {
      if (to - from >= MIN_ZOOM) zoom = [from, to];
    }),
    /** @param {number} centre - The time to stay where it is. */
    zoomIn(centre) {
      const [from, to] = range();
      this.zoomTo([(from + centre) / 2, (to + centre) / 2]);
    },
    zoomOut: change(() => {
      zoom = undefined;
    }),
    /** Ticks stay where they are while the line moves. @returns {{ times: number[], labels: string[] }} */
    ticks(max) {
      const [from, to] = range();
      const step = STEPS.find((length) => (to - from) / length <= max) ?? LONGEST;
      if (zoom) return clockTicks(from, to, step);
      const ages = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => index * step);
      return { times: ages.map((age) => to - age), labels: ages.map((age) => labelOf(age, step)) };
    },
  };
}

function labelOf(age, step) {
  if (age === 0) return 'now';
  return step < 60 ? `−${age} s` : `−${age / 60} min`;
}

function clockTicks(from, to, step) {
  const start = Math.ceil(from / step) * step;
  const times = Array.from({ length: Math.floor((to - start) / step) + 1 }, (_, index) => start + index * step);
  return { times, labels: times.map(clockTime) };
}
