import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { BUGS } from './bugs.js';
import { Violation } from './ledger.js';
import type { Bug } from './run.js';
import { schedule } from './schedule.js';
import { simulate } from './simulate.js';

const WITHIN = 5000;
const INVARIANTS = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8'];
/** SIM_SEED: where the schedules come from; SIM_BUG: only the bugs with this in their name. */
const { SIM_SEED = '1', SIM_BUG = '' } = process.env;

/** @returns What a bug broke first, and how many schedules it took. */
async function hunt(bug: Bug): Promise<{ schedules: number; broken: unknown }> {
  const property = fc.asyncProperty(schedule, async (one) => {
    await simulate(one, bug);
  });
  const options = { numRuns: WITHIN, seed: Number(SIM_SEED), endOnFailure: true };
  const { numRuns, errorInstance } = await fc.check(property, options);
  return { schedules: numRuns, broken: errorInstance };
}

describe('the simulation finds, within 5,000 schedules, whoever', () => {
  const found: { bug: string; invariant: string; schedules: number; message: string }[] = [];
  const names = Object.keys(BUGS).filter((name) => name.includes(SIM_BUG));

  test.each(names)('%s', { timeout: 600_000 }, async (bug) => {
    const { schedules, broken } = await hunt(BUGS[bug] ?? {});
    expect(broken).toBeInstanceOf(Violation);
    const { invariant, message } = broken as Violation;
    found.push({ bug, invariant, schedules, message: message.replace(/x{9,}/g, 'x…').slice(4, 110) });
  });

  test.skipIf(SIM_BUG !== '')('and by each invariant at least one', () => {
    const finders = new Set(found.map(({ invariant }) => invariant));
    expect(INVARIANTS.filter((invariant) => !finders.has(invariant))).toEqual([]);
  });

  afterAll(() => console.table(found));
});
