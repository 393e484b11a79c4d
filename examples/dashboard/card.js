import { createChart, MAX_CHARTED } from './chart.js';
import { byId, setText } from './page.js';
import { createPast } from './past.js';
import { ago, createFormat, seconds } from './text.js';

const PARTS = ['.figure', '.value', '.age', '.extremes', '.late', '.chart', '.past'];
/** A measured value that is older than this, in seconds, is not the current one. */
const STALE = 60;

/**
 * A card that shows a field: its last value, its age and, of numbers, a chart.
 *
 * @param {{ id: string, label: string, unit?: string, input?: 'number' | 'text' | 'boolean' }} field
 * @param {ReturnType<typeof import('./view.js').createView>} view
 */
export function createCard({ id, label, unit = '', input }, view) {
  const card = byId('card').content.cloneNode(true).firstElementChild;
  const [figure, value, age, extremes, late, element, earlier] = PARTS.map((selector) => card.querySelector(selector));
  const format = createFormat();
  const past = createPast(earlier);
  let reading;
  let chart;

  setText(card.querySelector('h2'), label);
  setText(card.querySelector('.unit'), unit);
  // An entered field stands among the texts until it has a chart.
  moveTo(input === undefined ? 'numbers' : 'texts');

  function moveTo(list) {
    if (card.parentElement !== byId(list)) byId(list).append(card);
  }

  function chartOf() {
    if (chart === undefined) {
      element.hidden = false;
      element.tabIndex = 0;
      moveTo('numbers');
      element.setAttribute('aria-label', `${label}: chart. Arrow keys move along it, plus and minus zoom.`);
      chart = createChart(element, { unit, holds: input !== undefined, format, view });
    }
    return chart;
  }

  /** A point of numbers is drawn, an earlier text is listed. */
  function addPoint(time, point, isLate) {
    if (typeof point !== 'number') past.add(time, String(point));
    else if (Math.abs(point) <= MAX_CHARTED) chartOf().series.add(time, point, isLate);
  }

  function showAge(length) {
    const isStale = input === undefined && length > STALE;
    setText(age, ago(length));
    card.classList.toggle('stale', isStale);
  }

  function showExtent() {
    const shown = chart.series.between(...view.range());
    setText(extremes, shown.values.length < 2 ? '' : extremesText(shown.values));
    setText(late, shown.late > 0 ? `${shown.late} arrived late` : '');
  }

  function extremesText(values) {
    const [low, high] = [Math.min(...values), Math.max(...values)].map(format);
    return low === high ? `Steady ${view.words}` : `${low} to ${high} ${unit} ${view.words}`;
  }

  function describe() {
    setText(value, format(reading.value));
    const isText = typeof reading.value !== 'number';
    figure.classList.toggle('text', isText);
    if (isText) moveTo('texts');
    past.show(String(reading.value));
  }

  return {
    id,
    addPoint,
    get first() {
      return chart?.series.first;
    },
    points: () => chart?.series.points() ?? [],
    /** Brings up to date what changes with time. */
    tick() {
      if (reading?.timestamp != null) showAge(seconds() - reading.timestamp);
      else if (reading !== undefined) setText(age, 'No value yet');
      chart?.draw();
      if (chart) showExtent();
    },
    /** @param {boolean} isPoint - Whether it is to be drawn, as no history has it. */
    show(latest, { isPoint }) {
      reading = latest;
      if (reading.value === null) return;
      // One reading may be met with times a second apart: times are moved to the local clock.
      if (isPoint) addPoint(Math.max(reading.timestamp, chart?.series.last ?? 0), reading.value, false);
      describe();
    },
    /** The server doesn't know the field. */
    unknown: () => setText(age, input ? 'No value yet: add one' : `The server has no value of this field (${id})`),
    fail: (error) => setText(age, `This card failed: ${error.message}`),
    redraw: () => chart?.redraw(),
  };
}
