import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LENGTH } from '../length.js';
import { Coverage } from './coverage.js';
import { type Schedule, schedule } from './schedule.js';
import { simulate } from './simulate.js';

/*
 * SIM_RUNS      the number of schedules, in place of the length of this run
 * SIM_SEED      the seed of the schedules; a failure prints its own
 * SIM_PATH      the path to one schedule of that seed
 * SIM_SCHEDULE  one schedule, as JSON
 */
const { SIM_RUNS = LENGTH.schedules, SIM_SEED = '1', SIM_PATH, SIM_SCHEDULE } = process.env;
const isReplayed = SIM_PATH !== undefined || SIM_SCHEDULE !== undefined;
/** Each shard runs in its own thread. */
const SHARDS = 2;

/** Declares the tests of a share of all schedules. @param shard - From 0 on; a replayed schedule is in shard 0. */
export function describeSimulation(shard: number): void {
  describe(`the simulation, shard ${shard + 1} of ${SHARDS},`, () => {
    test.skipIf(SIM_SCHEDULE === undefined || shard > 0)('of the schedule that was given keeps I1–I8', async () => {
      await simulate(JSON.parse(SIM_SCHEDULE ?? '') as Schedule);
    });

    test.skipIf(SIM_SCHEDULE !== undefined || (isReplayed && shard > 0))(
      'of a machine, an origin and a network keeps I1–I8',
      { timeout: 1_500_000 },
      async () => {
        const numRuns = Math.ceil(Number(SIM_RUNS) / (isReplayed ? 1 : SHARDS));
        // A seed that is never chosen by hand, so that the next chosen seed brings new schedules to all shards.
        const seed = shard === 0 ? Number(SIM_SEED) : -Number(SIM_SEED) - shard;
        await checkSchedules(numRuns, seed);
      },
    );
  });
}

async function checkSchedules(numRuns: number, seed: number): Promise<void> {
  const coverage = new Coverage();
  const started = performance.now();
  const property = fc.asyncProperty(schedule, async (one) => coverage.add(one, await simulate(one)));
  const run = await fc.check(property, { numRuns, seed, ...(SIM_PATH && { path: SIM_PATH }) });
  if (run.failed) throw new Error(report(run));
  const perSecond = Math.round(run.numRuns / ((performance.now() - started) / 1000));
  console.log(
    `${run.numRuns} schedules of seed ${seed}, ${perSecond} a second, median of ${coverage.medianLength} commands.\n` +
      `Coverage: share of schedules, occurrences in all\n${coverage.table}`,
  );
  // A small sample says nothing about rare events.
  if (isReplayed || numRuns < 1000) return;
  expect(coverage.medianLength).toBeGreaterThanOrEqual(30);
  expect(coverage.rare).toEqual([]);
}

/** The violation, its schedule, and the commands that replay it. */
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
    `in schedule ${numRuns} of seed ${seed}; replay it with: npm run simulate -- --seed=${seed} --path=${counterexamplePath}`,
    `or SIM_SCHEDULE='${JSON.stringify(failing).replaceAll('{"do"', '\n  {"do"')}'`,
  ].join('\n');
}
