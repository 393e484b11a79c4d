import { byId, setText } from './page.js';
import { clockTime, explain, seconds } from './text.js';

/** How long to wait where the server refuses to be read: a key can be put right meanwhile. */
const REFUSED_PAUSE_MS = 30_000;
const TITLE = document.title;
/** Between two tests of a connection that goes on failing. */
const TEST_EVERY_S = 30;

/**
 * Reads for as long as somebody looks and the switch is on, and says how that goes.
 *
 * @param {import('nikdev-iot').Api} api
 * @param {{ ids: string[], everySeconds: number }} what
 * @param {{ isCut: boolean }} link
 * @param {{ isTesting: boolean, test(): Promise<string> }} connection
 * @param {{ show(readings: import('nikdev-iot').Reading[]): void, miss(): void }} cards
 */
export function createReading(api, { ids, everySeconds }, link, connection, cards) {
  let watching;
  let isFailing = false;
  let testedAt = -Infinity;

  function update() {
    const isWanted = !document.hidden && !link.isCut && ids.length > 0;
    if (link.isCut) showState('offline', 'Offline: this page is cut off from the network');
    if (isWanted === (watching !== undefined)) return;
    cards.miss();
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
        showState('trouble', explain(error));
        await pause(REFUSED_PAUSE_MS, signal);
      }
    }
  }

  /** `watch` goes on by itself; what keeps it waiting is for the page to show. */
  async function onRead({ ok, status, retryAfter }) {
    if (watching === undefined || connection.isTesting) return;
    if (ok) {
      setText(byId('last-read'), `Last read at ${clockTime(seconds())}`);
      isFailing = false;
      testedAt = -Infinity;
      return showState('live', 'Live');
    }
    isFailing = true;
    cards.miss();
    // A refusal ends the watch, and says more itself.
    if (status >= 400 && status < 500 && ![408, 425, 429].includes(status)) return undefined;
    // A server that asks for time gets it.
    if (retryAfter) return showState('trouble', `Bad luck: the server answered ${status}, and is asked again later.`);
    if (seconds() - testedAt < TEST_EVERY_S) return undefined;
    testedAt = seconds();
    const { signal } = watching;
    const advice = await connection.test();
    if (!signal.aborted && isFailing) showState('trouble', advice);
    return undefined;
  }

  return { update, onRead };
}

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
