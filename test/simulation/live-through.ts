import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Census } from './census.js';
import { type Schedule, schedule } from './schedule.js';
import { simulate } from './simulate.js';

/*
 * CI            50,000 schedules in place of 5,000
 * SIM_RUNS      how many, whatever it says
 * SIM_SEED      where they come from; a failure prints its own
 * SIM_PATH      with it, the one that failed
 * SIM_SCHEDULE  or this one, as JSON
 */
const { CI, SIM_RUNS = CI ? '50000' : '5000', SIM_SEED = '1', SIM_PATH, SIM_SCHEDULE } = process.env;
const isReplayed = SIM_PATH !== undefined || SIM_SCHEDULE !== undefined;
/** Each in a thread of its own. */
const SHARES = 2;

/** Declares the test of a share of all schedules. @param share - From 0 on; what is replayed is in the first. */
export function liveThrough(share: number): void {
  describe(`the simulation, share ${share + 1} of ${SHARES},`, () => {
    test.skipIf(SIM_SCHEDULE === undefined || share > 0)('of the schedule that was given keeps I1–I8', async () => {
      await simulate(JSON.parse(SIM_SCHEDULE ?? '') as Schedule);
    });

    test.skipIf(SIM_SCHEDULE !== undefined || (isReplayed && share > 0))(
      'of a machine, an origin and a network keeps I1–I8',
      { timeout: 3_600_000 },
      async () => {
        const numRuns = Math.ceil(Number(SIM_RUNS) / (isReplayed ? 1 : SHARES));
        // No seed that anybody would choose, so that the next one brings new schedules to all shares.
        const seed = share === 0 ? Number(SIM_SEED) : -Number(SIM_SEED) - share;
        await liveMany(numRuns, seed);
      },
    );
  });
}

async function liveMany(numRuns: number, seed: number): Promise<void> {
  const census = new Census();
  const started = performance.now();
  const property = fc.asyncProperty(schedule, async (one) => census.add(one, await simulate(one)));
  const run = await fc.check(property, { numRuns, seed, ...(SIM_PATH && { path: SIM_PATH }) });
  if (run.failed) throw new Error(report(run));
  const perSecond = Math.round(run.numRuns / ((performance.now() - started) / 1000));
  console.log(
    `${run.numRuns} schedules of seed ${seed}, ${perSecond} a second, median of ${census.medianLength} commands.\n` +
      `What they met: share of schedules, times in all\n${census.table}`,
  );
  // Of few, nothing can be said of the rest.
  if (isReplayed || numRuns < 1000) return;
  expect(census.medianLength).toBeGreaterThanOrEqual(30);
  expect(census.rare).toEqual([]);
}

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
    `in schedule ${numRuns} of seed ${seed}; again: npm run simulate -- --seed=${seed} --path=${counterexamplePath}`,
    `or SIM_SCHEDULE='${JSON.stringify(failing).replaceAll('{"do"', '\n  {"do"')}'`,
  ].join('\n');
}
