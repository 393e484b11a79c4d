import { createChart, MAX_CHARTED } from './chart.js';
import { byId, make, setText } from './page.js';
import { ago, clockTime, createFormat, seconds } from './text.js';

const PARTS = ['.figure', '.value', '.age', '.extent', '.chart', '.past'];
/** How many earlier texts are shown. */
const PAST = 5;
/** What is measured and older than this, in seconds, is not what is now. */
const STALE = 60;

/** A card that shows a field: its last value, how old that is and, of numbers, a chart. */
export function createCard({ id, label, unit = '', input }, span) {
  const card = byId('card').content.cloneNode(true);
  const part = (selector) => card.querySelector(selector);
  const [figure, value, age, extent, element, past] = PARTS.map(part);
  const format = createFormat();
  let reading;
  let chart;
  let shownSpan = span;
  let pointed;

  setText(part('h2'), label);
  setText(part('.unit'), unit);
  byId('cards').append(card);

  function draw() {
    if (chart === undefined) {
      element.hidden = false;
      element.setAttribute('aria-label', `${label}: chart of the last minutes`);
      chart = createChart(element, { unit, holds: input !== undefined, onPoint });
      chart.show(shownSpan);
    }
    chart.add(reading.timestamp, reading.value);
  }

  function onPoint(time, number) {
    pointed = number == null ? undefined : `${clockTime(time)}: ${format(number)} ${unit}`;
    describeChart();
  }

  function describeChart() {
    setText(extent, pointed ?? extentText(chart?.extent()));
  }

  function extentText(range) {
    if (range === undefined) return '';
    const { low, high, words } = range;
    if (low === high) return `Steady in the last ${words}`;
    return `${format(low)} to ${format(high)} ${unit} in the last ${words}`;
  }

  function rememberText(before) {
    if (before == null || before.value === null || before.value === reading.value) return;
    const time = make('time', clockTime(before.timestamp));
    past.prepend(make('li', [time, make('span', String(before.value))]));
    while (past.children.length > PAST) past.lastElementChild.remove();
  }

  function showAge(length) {
    setText(age, ago(length));
    age.classList.toggle('stale', input === undefined && length > STALE);
  }

  /** Brings up to date what changes with time alone. */
  function tick() {
    if (reading?.timestamp != null) showAge(seconds() - reading.timestamp);
    else if (reading !== undefined) setText(age, 'No value yet');
    chart?.draw();
    describeChart();
  }

  return {
    tick,
    show(latest) {
      const before = reading;
      reading = latest;
      if (reading.value === null) return;
      const isNumber = typeof reading.value === 'number';
      setText(value, format(reading.value));
      figure.classList.toggle('text', !isNumber);
      if (!isNumber) rememberText(before);
      else if (Math.abs(reading.value) <= MAX_CHARTED) draw();
    },
    /** The server doesn't know the field. */
    unknown() {
      setText(age, input ? 'No value yet: add one' : `The server has no value of this field (${id})`);
    },
    fail: (error) => setText(age, `This card failed: ${error.message}`),
    showSpan(next) {
      shownSpan = next;
      chart?.show(next);
      tick();
    },
    miss: () => chart?.miss(),
    redraw: () => chart?.redraw(),
  };
}
