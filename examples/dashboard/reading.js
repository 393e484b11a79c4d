import { explain } from './explain.js';
import { byId, setText } from './page.js';
import { clockTime, seconds } from './text.js';

/** How long to wait where the server refuses to be read: a key can be put right meanwhile. */
const REFUSED_PAUSE_MS = 30_000;
const LAST_VALUES = 'The last known values are shown until it answers again.';
const TITLE = document.title;
/** How often to ask what is wrong while reading goes on failing. */
const ASK_EVERY_S = 30;

/**
 * Reads for as long as somebody looks and the switch is on, and says how that goes.
 *
 * @param {import('nikdev-iot').Api} api
 * @param {{ ids: string[], everySeconds: number }} what
 * @param {{ isCut: boolean }} link
 * @param {{ show(readings: import('nikdev-iot').Reading[]): void }} cards
 */
export function createReading(api, { ids, everySeconds }, link, cards) {
  let watching;
  let isAsking = false;
  let askedAt = -Infinity;

  function update() {
    const isWanted = !document.hidden && !link.isCut && ids.length > 0;
    if (link.isCut) showState('offline', 'Offline: this page is cut off from the network, as simulated');
    if (isWanted === (watching !== undefined)) return;
    watching?.abort();
    watching = isWanted ? new AbortController() : undefined;
    if (watching) void read(watching.signal);
  }

  async function read(signal) {
    showState('waiting', 'Connecting…');
    while (!signal.aborted) {
      try {
        for await (const readings of api.watch(ids, { everySeconds, signal })) cards.show(readings);
      } catch (error) {
        showState('trouble', explain(error, LAST_VALUES));
        await pause(REFUSED_PAUSE_MS, signal);
      }
    }
  }

  /** `watch` continues after failures; the page shows the cause. */
  function onRead({ ok, status, retryAfter }) {
    if (watching === undefined) return;
    if (ok) {
      setText(byId('last-read'), `Last read at ${clockTime(seconds())}`);
      askedAt = -Infinity;
      showState('live', 'Live');
      return;
    }
    if (retryAfter) {
      // A server that asks for time gets it.
      showState('trouble', `The server answered ${status}, and is asked again later. The last known values are shown.`);
    } else if (!isAsking && !isRefusal(status) && seconds() - askedAt >= ASK_EVERY_S) {
      void askWhy(watching.signal);
    }
  }

  async function askWhy(signal) {
    isAsking = true;
    askedAt = seconds();
    try {
      cards.show(await api.get(ids, { signal }));
    } catch (error) {
      if (!signal.aborted) showState('trouble', explain(error, LAST_VALUES));
    } finally {
      isAsking = false;
    }
  }

  return { update, onRead };
}

/** These end the watch, and its exception says more. */
const isRefusal = (status) => status >= 400 && status < 500 && ![408, 425, 429].includes(status);

export function showState(state, text) {
  byId('state').dataset.state = state;
  setText(byId('status'), text);
  // Seen in the tab, too.
  document.title = state === 'trouble' || state === 'offline' ? `⚠ ${TITLE}` : TITLE;
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
