import { note, noteEvents } from './activity.js';
import { createCards } from './cards.js';
import { addConnectionTest } from './connection.js';
import { showDevice } from './device.js';
import { explain } from './explain.js';
import { createForm, nameValue } from './form.js';
import { followHistory, keepPoints } from './history.js';
import { createLink } from './link.js';
import { byId, setText } from './page.js';
import { showQueue } from './queue.js';
import { createReading, showState } from './reading.js';

const { Api, memoryStorage } = window.NikDevIoT;
const { name, deviceId, apiKey, baseUrl, everySeconds = 1, fields = [], history, demo } = window.DASHBOARD ?? {};

const TICK_MS = 1000;

function start() {
  if (name !== undefined) setText(byId('name'), name);
  setText(byId('device'), deviceId);
  const writable = fields.filter(({ input }) => input !== undefined);
  const link = createLink((answer) => reading.onRead(answer));
  const api = new Api({
    deviceId,
    apiKey,
    baseUrl,
    fetch: link.fetch,
    // A page that only reads leaves no entries in the browser.
    storage: writable.length > 0 ? undefined : memoryStorage(),
    onRefusedCredentials: 'keep',
  });
  noteEvents(api);
  const cards = createCards(fields, { hasHistory: history !== undefined });
  const reading = createReading(api, { ids: fields.map(({ id }) => id), everySeconds }, link, cards);
  addConnectionTest(api, { writes: writable.length > 0 });
  if (writable.length > 0) {
    showQueue(api, describe);
    createForm(api, writable, link);
  }
  makeSwitch(link, reading);
  if (history) followHistory(history, cards, () => !document.hidden && !link.isCut);
  else keepPoints(`readings of ${deviceId}`, cards);
  if (demo) showDevice(demo, fields);

  document.addEventListener('visibilitychange', reading.update);
  setInterval(() => document.hidden || cards.tick(), TICK_MS);
  reading.update();
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
