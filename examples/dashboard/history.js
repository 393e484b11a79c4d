const POLL_MS = 1000;
/** A point that takes longer to arrive, in seconds, was queued. */
const LATE_SECONDS = 5;

/**
 * Follows the history of a server that has one: `GET <url>?after=<cursor>` answers `{ cursor, points }`, the points as
 * `[fieldId, time, value, arrivedAt]` in the order in which they arrived, times in Unix seconds.
 *
 * @param {string} url
 * @param {{ addPoints(points: object[]): void }} cards
 * @param {() => boolean} isWanted
 */
export function followHistory(url, cards, isWanted) {
  let cursor = 0;
  let isAsking = false;
  const ask = async () => {
    if (isAsking || !isWanted()) return;
    isAsking = true;
    try {
      const response = await fetch(`${url}?after=${cursor}`);
      const history = await response.json();
      cursor = history.cursor;
      cards.addPoints(history.points.map(pointOf));
    } catch {
      // The state of the page says that its server does not answer.
    } finally {
      isAsking = false;
    }
  };
  setInterval(ask, POLL_MS);
  return ask();
}

function pointOf([id, time, value, arrivedAt]) {
  return { id, time, value, isLate: arrivedAt - time > LATE_SECONDS };
}

/**
 * Keeps points over a reload, in the storage of this tab.
 *
 * @param {string} key
 * @param {{ points(): [string, number, number][], addPoints(points: object[]): void }} cards
 */
export function keepPoints(key, cards) {
  addEventListener('pagehide', () => attempt(() => sessionStorage.setItem(key, JSON.stringify(cards.points()))));
  attempt(() => {
    const points = JSON.parse(sessionStorage.getItem(key) ?? '[]');
    cards.addPoints(points.map(([id, time, value]) => ({ id, time, value })));
  });
}

/** A browser may forbid storage, or be short of it: the page then begins with an empty chart. */
function attempt(act) {
  try {
    act();
  } catch {
    // As said.
  }
}
