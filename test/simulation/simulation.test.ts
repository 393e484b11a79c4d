import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Census } from './census.js';
import { type Schedule, schedule } from './schedule.js';
import { simulate } from './simulate.js';

/*
 * SIM_RUNS      how many schedules, 5,000 unless told
 * SIM_SEED      where they come from; a failure prints its own
 * SIM_PATH      with it, the one that failed
 * SIM_SCHEDULE  or this one, as JSON
 */
const { SIM_RUNS = '5000', SIM_SEED = '1', SIM_PATH, SIM_SCHEDULE } = process.env;

describe('the simulation', () => {
  test.skipIf(SIM_SCHEDULE === undefined)('of the schedule that was given keeps I1–I8', async () => {
    await simulate(JSON.parse(SIM_SCHEDULE ?? '') as Schedule);
  });

  test.skipIf(SIM_SCHEDULE !== undefined)(
    'of a machine, an origin and a network keeps I1–I8',
    {
      timeout: 3_600_000,
    },
    async () => {
      const census = new Census();
      const started = performance.now();
      const property = fc.asyncProperty(schedule, async (one) => census.add(one, await simulate(one)));
      const [numRuns, seed] = [Number(SIM_RUNS), Number(SIM_SEED)];
      const run = await fc.check(property, { numRuns, seed, ...(SIM_PATH && { path: SIM_PATH }) });
      if (run.failed) throw new Error(report(run));
      const perSecond = Math.round(numRuns / ((performance.now() - started) / 1000));
      console.log(
        `${numRuns} schedules of seed ${seed}, ${perSecond} a second, median of ${census.medianLength} commands.\n` +
          `What they met: share of schedules, times in all\n${census.table}`,
      );
      expect(census.medianLength).toBeGreaterThanOrEqual(30);
      if (numRuns >= 1000) expect(census.rare).toEqual([]);
    },
  );
});

/** What was broken, by which schedule, and how to see it again. */
function report({
  errorInstance,
  counterexample,
  seed,
  counterexamplePath,
  numRuns,
}: fc.RunDetails<[Schedule]>): string {
  const [failing] = counterexample ?? [];
  return [
    errorInstance instanceof Error ? errorInstance.message : String(errorInstance),
    `in schedule ${numRuns} of SIM_SEED=${seed}; again: SIM_SEED=${seed} SIM_PATH=${counterexamplePath}`,
    `or SIM_SCHEDULE='${JSON.stringify(failing).replaceAll('{"do"', '\n  {"do"')}'`,
  ].join('\n');
}
