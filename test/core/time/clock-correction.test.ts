import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClockCorrection } from '../../../src/core/time/clock-correction.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

const NOW = 1_795_349_662;
const RELEASED = Date.UTC(2026, 10, 1) / 1000;

describe('ClockCorrection', () => {
  test('is whole Unix seconds, rounded down, and never before 1970', () => {
    const clock = new FakeClock(1999);
    const correction = new ClockCorrection(clock);
    expect(correction.seconds).toBe(1);
    clock.jump(-10_000);
    expect(correction.seconds).toBe(0);
  });

  test('shares one epoch for as long as the clock runs evenly, through rounding and slewing', async () => {
    const clock = new FakeClock();
    const correction = new ClockCorrection(clock);
    const { epoch } = correction;
    for (let step = 0; step < 50; step++) {
      await clock.advance(60_000);
      clock.jump(step % 2 ? 400 : -400);
      expect(correction.epoch).toBe(epoch);
    }
    clock.jump(3000);
    expect(correction.epoch).not.toBe(epoch);
  });

  test('moves an entry only by the jump, whatever time has passed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 * NOW }),
        fc.integer({ min: -2 * NOW, max: 2 * NOW }),
        (start, seconds) => {
          const clock = new FakeClock(start * 1000);
          const correction = new ClockCorrection(clock);
          const { epoch, seconds: timestamp } = correction;
          clock.jump(seconds * 1000);
          const after = correction.timeOf({ timestamp }, epoch);
          const isBackward = seconds < -2;
          const wasSet = seconds > 2 && start < RELEASED && start + seconds >= RELEASED;
          expect(after).toBe(isBackward || wasSet ? Math.max(0, start + seconds) : start);
          expect(correction.timeOf({ timestamp }, undefined)).toBe(start);
        },
      ),
    );
  });
});
