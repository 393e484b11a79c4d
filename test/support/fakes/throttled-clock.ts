import type { Clock } from '../../../src/core/time/clock.js';
import type { FakeClock } from './fake-clock.js';

/** The clock of a hidden page, whose timers fire once a minute. */
export function throttledClock(clock: FakeClock): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    random: () => clock.random(),
    setTimer: (run, ms, options) => {
      const due = Math.ceil((clock.monotonic() + ms) / 60_000) * 60_000;
      return clock.setTimer(run, due - clock.monotonic(), options);
    },
  };
}
