import { Bench } from 'tinybench';

/**
 * Times sides in turn, round by round, so that a machine whose speed drifts drifts for all of them.
 *
 * @param {{ rounds: number, iterations: number, sides: Record<string, { run: () => unknown, before?: () => unknown }> }} plan
 *   `run` is timed, `before` prepares each iteration; either may be async.
 * @returns {Promise<Record<string, number[]>>} By side: the median milliseconds of each round.
 */
export async function compare({ rounds, iterations, sides }) {
  const medians = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  // The first round warms up and is not counted.
  for (let round = -1; round < rounds; round++) {
    for (const [name, { run, before }] of Object.entries(sides)) {
      const bench = new Bench({ iterations, time: 0, warmup: false });
      bench.add(name, run, before && { beforeEach: before });
      const [task] = await bench.run();
      if (task.result.state !== 'completed') throw task.result.error ?? new Error(`${name} did not complete`);
      if (round >= 0) medians[name].push(task.result.latency.p50);
    }
  }
  return medians;
}

export function median(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The bytes of `heapUsed` after a collection. */
export async function usedHeap() {
  // Objects that the last task still holds are garbage in the next one.
  await new Promise(setImmediate);
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** One row of the table: what was measured, its figure and, where there is one, its goal. */
export function row(what, figure, goal = '', isReached = undefined) {
  return { what, goal, figure, reached: isReached === undefined ? '' : isReached ? 'yes' : 'NO' };
}

/** A row of the ratio of two sides, round by round: its median and its spread. `goal` is `{ most }` or `{ least }`. */
export function ratioRow(what, { most, least }, ones, others) {
  const ratios = ones.map((one, round) => one / others[round]);
  const figure = `${times(median(ratios))} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`;
  return most === undefined
    ? row(what, figure, `≥ ${times(least)}`, median(ratios) >= least)
    : row(what, figure, `≤ ${times(most)}`, median(ratios) <= most);
}

const times = (ratio) => `${ratio.toFixed(2)}×`;
