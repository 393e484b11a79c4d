import type { StoredEntry } from '../model/entry.js';
import type { OverflowChooser } from '../options/options.js';

/** The share of the queue that leaves at once. */
const SHARE = 0.25;

/**
 * A value of the option `overflow`: a full queue gets thinner instead of shorter, so that it still covers all of an outage. A quarter
 * of it leaves, passed to `discard` events: entries in quarantine first, then, of each series (entries with values of the same
 * fields), those with the nearest neighbours. The oldest and the newest entry of a series, urgent entries and those that are
 * being uploaded stay, so a queue of only such entries is full as with `'refuse'`. The gaps stay within four times the even spacing, however often the queue fills up.
 *
 * @example
 * ```ts
 * const api = new Api({ deviceId: '…', apiKey: '…', maxQueuedEntries: 100_000, overflow: thin() })
 * ```
 */
export function thin(): OverflowChooser {
  return { choose };
}

function choose<Stored extends StoredEntry>(entries: readonly Stored[], isKept: (entry: Stored) => boolean): Stored[] {
  const count = Math.ceil(entries.length * SHARE);
  const isQuarantined = ({ rejection }: Stored): boolean => rejection !== undefined;
  const quarantined = entries.filter((entry) => isQuarantined(entry) && !isKept(entry)).slice(0, count);
  const queued = entries.filter((entry) => !isQuarantined(entry));
  return [...quarantined, ...chooseQueued(queued, count - quarantined.length, isKept)];
}

function chooseQueued<Stored extends StoredEntry>(
  queued: readonly Stored[],
  count: number,
  isKept: (entry: Stored) => boolean,
): Stored[] {
  const chosen = new Set<Stored>();
  for (const { entry, neighbours } of widening(seriesOf(queued))) {
    if (chosen.size >= count) break;
    if (!isKept(entry) && !neighbours.some((neighbour) => chosen.has(neighbour))) chosen.add(entry);
  }
  return queued.filter((entry) => chosen.has(entry));
}

/** An entry in its series. */
interface Place<Stored> {
  readonly entry: Stored;
  /** Grows by the distance of the sequence numbers, and by one from a writer to the next. */
  readonly at: number;
}

/** The entries that have two neighbours in their series, in the order of the gaps that they would leave. */
function widening<Stored>(series: Iterable<readonly Place<Stored>[]>) {
  const gaps = Array.from(series).flatMap((places) =>
    places.slice(1, -1).map(({ entry, at }, index) => {
      const [before, after] = [places[index] as Place<Stored>, places[index + 2] as Place<Stored>];
      return { entry, at, gap: after.at - before.at, neighbours: [before.entry, after.entry] };
    }),
  );
  // Of equal gaps the newest: those of older entries have been widened before, and grow no further than needed.
  return gaps.sort((one, other) => one.gap - other.gap || other.at - one.at);
}

function seriesOf<Stored extends StoredEntry>(queued: readonly Stored[]): Iterable<Place<Stored>[]> {
  const series = new Map<string, Place<Stored>[]>();
  let at = 0;
  let last: Stored | undefined;
  for (const entry of queued) {
    at += entry.writer === last?.writer ? entry.sequence - last.sequence : 1;
    last = entry;
    const name = seriesName(entry.values);
    const places = series.get(name);
    if (places === undefined) series.set(name, [{ entry, at }]);
    else places.push({ entry, at });
  }
  return series.values();
}

/** The field ids in order. @param values - As {@link StoredEntry.values}. */
function seriesName(values: string): string {
  const ids = (JSON.parse(values) as object[]).flatMap(Object.keys);
  return JSON.stringify(ids.sort());
}
