/** A pause this many times longer than usual, and a little, is a gap. */
const GAP_FACTOR = 4;
const GAP_SECONDS = 2;
/** Of the last pauses, the usual one is their median. */
const PAUSES = 30;

/** The points of a chart, by time, in whichever order they arrive. */
export function createSeries() {
  const times = [];
  const values = [];
  const late = [];
  const pauses = [];

  function insert(at, point) {
    for (const [list, part] of [
      [times, point.time],
      [values, point.value],
      [late, point.isLate],
    ]) {
      list.splice(at, 0, part);
    }
  }

  return {
    get first() {
      return times[0];
    },
    get last() {
      return times.at(-1);
    },
    /** A later point of the same time takes the place of the former. */
    add(time, value, isLate = false) {
      let at = times.length;
      while (at > 0 && times[at - 1] > time) at--;
      if (times[at - 1] === time) {
        values[at - 1] = value;
        return;
      }
      if (at === times.length && at > 0) pauses.push(time - times[at - 1]);
      if (pauses.length > PAUSES) pauses.shift();
      insert(at, { time, value, isLate });
    },
    /** Keeps one point that is older, where the line comes from. */
    forgetBefore(oldest) {
      const count = times.findIndex((time) => time >= oldest) - 1;
      if (count <= 0) return;
      for (const list of [times, values, late]) list.splice(0, count);
    },
    /** @returns {[number[], number[], (number | null)[]]} Times, values, and the values of those that arrived late. */
    data: () => [[...times], [...values], values.map((value, index) => (late[index] ? value : null))],
    /** As `data`, the last value held until `now`. */
    dataUntil: (now) =>
      now > times.at(-1)
        ? [
            [...times, now],
            [...values, values.at(-1)],
            [...values.map(() => null), null],
          ]
        : [[...times], [...values], values.map(() => null)],
    /** @returns {number} The length of a pause, in seconds, from which on it is a gap. */
    gapSeconds() {
      if (pauses.length === 0) return Infinity;
      const sorted = pauses.toSorted((one, other) => one - other);
      return GAP_FACTOR * sorted[Math.floor(sorted.length / 2)] + GAP_SECONDS;
    },
    between(from, to) {
      const found = { values: [], late: 0 };
      for (const [index, time] of times.entries()) {
        if (time < from || time > to) continue;
        found.values.push(values[index]);
        if (late[index]) found.late += 1;
      }
      return found;
    },
    points: () => times.map((time, index) => [time, values[index]]),
  };
}
