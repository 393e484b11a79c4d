import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { Violation } from './model.js';
import { BUGS } from './planted-bugs.js';
import type { Bug } from './run.js';
import { schedule } from './schedule.js';
import { simulate } from './simulate.js';

const WITHIN = 5000;
const INVARIANTS = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8'];
/** SIM_SEED: the seed of the schedules; SIM_BUG: only the bugs with this in their name. */
const { SIM_SEED = '1', SIM_BUG = '' } = process.env;

/** @returns The first violation by a bug, and the number of schedules that it took. */
async function findViolation(bug: Bug): Promise<{ schedules: number; violation: unknown }> {
  const property = fc.asyncProperty(schedule, async (one) => {
    await simulate(one, bug);
  });
  const options = { numRuns: WITHIN, seed: Number(SIM_SEED), endOnFailure: true };
  const { numRuns, errorInstance } = await fc.check(property, options);
  return { schedules: numRuns, violation: errorInstance };
}

describe('the simulation finds, within 5,000 schedules, an SDK that', () => {
  const found: { bug: string; invariant: string; schedules: number; message: string }[] = [];
  const names = Object.keys(BUGS).filter((name) => name.includes(SIM_BUG));

  test.each(names)('%s', { timeout: 240_000 }, async (bug) => {
    const { schedules, violation } = await findViolation(BUGS[bug] ?? {});
    expect(violation).toBeInstanceOf(Violation);
    const { invariant, message } = violation as Violation;
    found.push({ bug, invariant, schedules, message: message.replace(/x{9,}/g, 'x…').slice(4, 110) });
  });

  test.skipIf(SIM_BUG !== '')('and at least one by each invariant', () => {
    const finders = new Set(found.map(({ invariant }) => invariant));
    expect(INVARIANTS.filter((invariant) => !finders.has(invariant))).toEqual([]);
  });

  afterAll(() => console.table(found));
});
