import { describe, expect, test } from 'vitest';
import { LENGTH } from '../length.js';
import { type Random, randomOf } from '../simulation/random.js';
import { withoutCollection } from '../support/collection.js';
import { startWatchdog } from '../support/watchdog.js';

/*
 * FUZZ_RUNS   how many inputs of each kind, in place of the length of this run
 * FUZZ_SEED   where they come from: a failure prints its own
 * FUZZ_INPUT  with it, the one that failed
 */
const { CI, FUZZ_RUNS = LENGTH.fuzzInputs, FUZZ_SEED, FUZZ_INPUT } = process.env;
const runs = Number(FUZZ_RUNS);

/**
 * One that never changes, so that what was found stays found; and one that changes, so that more is: but in CI, where a red run
 * must say something of the change that it is about.
 */
const seeds = FUZZ_SEED === undefined ? [1, CI ? 2 : Math.floor(Date.now() / 1000)] : [Number(FUZZ_SEED)];

/** Tries one input. @returns The sort of the input, for the count; throws if it breaks something. */
export type Try = (random: Random, tell: (input: unknown) => void) => Promise<string>;

/** A sort with a smaller share of the inputs counts as not tried. */
const LEAST_SHARE = 0.002;
/** Nothing that is tried takes a thousandth of this, however busy the machine. */
const HANGS_AFTER_MS = 60_000;
/** Inputs between turns of the event loop. */
const TURN_EVERY = 100;

/**
 * Declares the test of mutated inputs of one kind.
 *
 * @param tryOne - Draws an input, reports it, and tries it.
 * @param sorts - Of each of which there must be some.
 */
export function fuzz(kind: string, file: string, tryOne: Try, sorts: readonly string[]): void {
  describe(`mutated ${kind} of seed`, () => {
    test.each(seeds)(
      '%d: no crash, no hang, nothing invented, nothing lost that can be read',
      { timeout: 1_500_000 },
      async (seed) => {
        const inputs = FUZZ_INPUT === undefined ? Math.ceil(runs / seeds.length) : 1;
        const first = Number(FUZZ_INPUT ?? 0);
        const met = new Map<string, number>();
        const dog = startWatchdog({
          message: `${kind} hang: again by`,
          names: ['FUZZ_SEED', 'FUZZ_INPUT'],
          hangsAfterMs: HANGS_AFTER_MS,
        });
        const restore = withoutCollection();
        const { stackTraceLimit } = Error;
        // Exceptions are made by the thousand, and nobody looks at where.
        if (inputs > 1) Error.stackTraceLimit = 0;
        console.log(`${kind}: ${inputs} inputs of FUZZ_SEED=${seed}`);
        const started = performance.now();
        const before = process.cpuUsage();
        try {
          for (let input = first; input < first + inputs; input++) {
            dog.progress.set([seed, input]);
            const sort = await tryNumber(kind, file, tryOne, seed, input);
            met.set(sort, (met.get(sort) ?? 0) + 1);
            // Tries wait for promises only: without a turn of the event loop no time-out of vitest could fire.
            if (input % TURN_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
          }
        } finally {
          Error.stackTraceLimit = stackTraceLimit;
          restore();
          await dog.stop();
        }
        const perSecond = Math.round(inputs / ((performance.now() - started) / 1000));
        const { user, system } = process.cpuUsage(before);
        const microseconds = Math.round((user + system) / inputs);
        const shares = [...met].sort().map(([sort, count]) => `${sort} ${((100 * count) / inputs).toFixed(1)} %`);
        console.log(`${kind}: ${perSecond} a second, ${microseconds} µs of CPU each; ${shares.join(', ')}`);
        if (inputs >= 1000) expect(sorts.filter((sort) => (met.get(sort) ?? 0) < inputs * LEAST_SHARE)).toEqual([]);
      },
    );
  });
}

async function tryNumber(kind: string, file: string, tryOne: Try, seed: number, input: number): Promise<string> {
  let shown: unknown;
  // Independent of each other, so that any one can be tried again.
  const random = randomOf(Math.imul(seed, 0x9e3779b1) ^ Math.imul(input + 1, 0x85ebca6b));
  try {
    return await tryOne(random, (description) => {
      shown = description;
    });
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    const again = `FUZZ_SEED=${seed} FUZZ_INPUT=${input} npx vitest run ${file}`;
    throw new Error(`${what}\nby input ${input} of ${kind}; again: ${again}\n${JSON.stringify(shown)}`, {
      cause: error,
    });
  }
}
