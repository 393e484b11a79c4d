import { note, noteEvents } from './activity.js';
import { createCard } from './card.js';
import { SPANS } from './chart.js';
import { addConnectionTest } from './connection.js';
import { createForm, nameValue } from './form.js';
import { createLink } from './link.js';
import { byId, make, setText } from './page.js';
import { showQueue } from './queue.js';
import { createReading, showState } from './reading.js';
import { explain } from './text.js';

const { Api, memoryStorage } = window.NikDevIoT;
const { deviceId, apiKey, baseUrl, everySeconds = 1, fields = [] } = window.DASHBOARD ?? {};

const TICK_MS = 1000;

function start() {
  setText(byId('device'), deviceId);
  const writable = fields.filter(({ input }) => input !== undefined);
  const link = createLink((answer) => reading.onRead(answer));
  const api = new Api({
    deviceId,
    apiKey,
    baseUrl,
    fetch: link.fetch,
    // A page that only reads leaves nothing in the browser.
    storage: writable.length > 0 ? undefined : memoryStorage(),
    onRefusedCredentials: 'keep',
  });
  noteEvents(api);
  const cards = createCards();
  const what = { ids: fields.map(({ id }) => id), everySeconds };
  const reading = createReading(api, what, link, cards);
  addConnectionTest(api);
  if (writable.length > 0) {
    showQueue(api, describe);
    createForm(api, writable, link);
  }
  makeSwitch(link, reading);

  document.addEventListener('visibilitychange', reading.update);
  setInterval(() => document.hidden || cards.tick(), TICK_MS);
  reading.update();
}

function createCards() {
  const cards = new Map(fields.map((field) => [field.id, createCard(field, SPANS[0])]));
  const each = (act) => {
    for (const card of cards.values()) isolated(card, act);
  };
  makeSpans((span) => each((card) => card.showSpan(span)));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => each((card) => card.redraw()));
  const tick = () => each((card) => card.tick());
  return {
    tick,
    miss: () => each((card) => card.miss()),
    show(readings) {
      const found = new Map(readings.map((one) => [one.fieldId, one]));
      for (const [id, card] of cards) {
        isolated(card, () => (found.has(id) ? card.show(found.get(id)) : card.unknown()));
      }
      tick();
    },
  };
}

/** A value that one card can't show keeps the others from nothing. */
function isolated(card, act) {
  try {
    act(card);
  } catch (error) {
    card.fail(error);
  }
}

function makeSpans(onChoice) {
  const choices = SPANS.map((span, index) => {
    const input = make('input', '', { type: 'radio', name: 'span', defaultChecked: index === 0 });
    input.addEventListener('change', () => onChoice(span));
    return make('label', [input, make('span', span.name, { className: 'choice' })]);
  });
  byId('spans').append(...choices);
}

function makeSwitch(link, reading) {
  const offline = byId('offline');
  offline.addEventListener('click', () => {
    link.isCut = !link.isCut;
    offline.setAttribute('aria-checked', String(link.isCut));
    note(link.isCut ? 'Went offline' : 'Back online');
    reading.update();
  });
}

/** An entry, in the words of the config. */
function describe({ values }) {
  const named = values.map(({ fieldId, value }) => {
    const field = fields.find(({ id }) => id === fieldId) ?? { label: fieldId };
    return nameValue(field, value);
  });
  return named.join(', ');
}

try {
  start();
} catch (error) {
  showState('trouble', explain(error));
}
