import { createChart, MAX_CHARTED } from './chart.js';
import { byId, setText } from './page.js';
import { createPast } from './past.js';
import { ago, createFormat, seconds } from './text.js';

const PARTS = ['.figure', '.value', '.age', '.extent', '.chart', '.past'];
/** A measured value that is older than this, in seconds, is not the current one. */
const STALE = 60;

/**
 * A card that shows a field: its last value, its age and, of numbers, a chart.
 *
 * @param {import('./config.js').Field} field
 * @param {ReturnType<typeof import('./view.js').createView>} view
 */
export function createCard({ id, label, unit = '', input }, view) {
  const card = byId('card').content.cloneNode(true).firstElementChild;
  const [figure, value, age, extent, element, list] = PARTS.map((selector) => card.querySelector(selector));
  const format = createFormat();
  const past = createPast(list);
  let reading;
  let chart;

  setText(card.querySelector('h2'), label);
  setText(card.querySelector('.unit'), unit);
  // A card without a chart stands among those of texts.
  byId(input === undefined ? 'numbers' : 'texts').append(card);

  function chartOf() {
    if (chart === undefined) {
      element.hidden = false;
      element.tabIndex = 0;
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

  function extentText() {
    const { values, late } = chart.series.between(...view.range());
    if (values.length < 2) return '';
    const [low, high] = [Math.min(...values), Math.max(...values)].map(format);
    const extremes = low === high ? `Steady ${view.words}` : `${low} to ${high} ${unit} ${view.words}`;
    return late > 0 ? `${extremes}; ${late} arrived late` : extremes;
  }

  function describe() {
    setText(value, format(reading.value));
    figure.classList.toggle('text', typeof reading.value !== 'number');
    const place = byId(typeof reading.value === 'number' ? 'numbers' : 'texts');
    if (card.parentElement !== place) place.append(card);
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
      if (chart) setText(extent, extentText());
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
