import { describe, expect, test } from 'vitest';
import type { Answer } from '../../src/core/ports/transport.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { received } from '../support/fakes/fake-server.js';
import { PickyServer } from '../support/fakes/picky-server.js';

const SECOND = 1000;
const DAY = 86_400;
const WEEK = 7 * DAY;

/** How many tries a backoff of full jitter allows: ten until the pauses reach their most, then one in 150 s as a mean. */
const budget = (seconds: number, meanPause = 150): number => 10 + 1.15 * (seconds / meanPause);

/**
 * A device that commits one entry a second while its server is out.
 *
 * @param each - Further actions of each second.
 */
async function liveThrough(
  seconds: number,
  answer: () => Answer,
  each: (second: number, environment: FakeEnvironment) => void = () => {},
) {
  const clock = new FakeClock();
  const server = new PickyServer();
  const environment = new FakeEnvironment();
  const api = openApi({ autoPush: true }, { clock, transport: server, environment });
  let tries = 0;
  api.on('error', () => {
    tries += 1;
  });
  let requests = 0;
  server.outage = () => {
    requests += 1;
    // A body of a thousand entries each: kept, the collection of their garbage would take most of the time.
    server.requests.length = 0;
    return answer();
  };
  let timers = 0;
  for (let second = 0; second < seconds; second++) {
    commitEach(api, second);
    each(second, environment);
    await clock.advance(SECOND);
    timers = Math.max(timers, clock.timers);
  }
  expect(api.status().committed).toBe(seconds);
  server.outage = undefined;
  environment.dispatch('online');
  for (let minute = 0; minute < 70 && api.status().committed > 0; minute++) await clock.advance(60 * SECOND);
  return { server, api, requests, tries, timers };
}

describe('an outage, with one commit a second,', () => {
  test('of a week: few requests, one timer, and everything is stored once it ends, in order', async () => {
    const { server, requests, tries, timers } = await liveThrough(WEEK, () => ({
      received: false,
      reason: 'unreachable',
    }));
    console.log(`a week without network: ${requests} requests; ${server.requests.length} for ${WEEK} entries after it`);
    expect(requests).toBeLessThanOrEqual(budget(WEEK));
    expect(tries).toBe(requests);
    expect(timers).toBeLessThanOrEqual(1);
    expect(server.stored).toHaveLength(WEEK);
    expect(server.stored.every((value, index) => value === index)).toBe(true);
    expect(server.requests.length).toBeLessThanOrEqual(WEEK / 1000 + 10);
  }, 120_000);

  const cases: readonly (readonly [what: string, answer: () => Answer, most: number])[] = [
    // After three failures of a single entry another one is tried, too.
    ['503', () => received(503), 2 * budget(DAY)],
    [
      '503 with a Retry-After of an hour',
      () => ({ ...received(503), retryAfter: '3600' }) as Answer,
      2 * (DAY / 3600) + 4,
    ],
    ['429 with a Retry-After of 10 min', () => ({ ...received(429), retryAfter: '600' }) as Answer, DAY / 600 + 2],
    ['429 with a Retry-After of 1 s', () => ({ ...received(429), retryAfter: '1' }) as Answer, budget(DAY)],
    ['time-outs', () => ({ received: false, reason: 'timeout' }), 2 * budget(DAY)],
    ['404', () => received(404), (DAY / 900) * 1.1],
    // A push that all of it is refused of ends after 2·log2(1000)+2 requests.
    ['400', () => received(400), (DAY / 900) * 1.1 * 22],
  ];
  test.each(cases)(
    'of a day of %s: requests within the budget, one timer, all is stored',
    async (what, answer, most) => {
      const { server, requests, timers } = await liveThrough(DAY, answer);
      console.log(`a day of ${what}: ${requests} requests; ${server.requests.length} after it`);
      expect(requests).toBeLessThanOrEqual(most);
      expect(timers).toBeLessThanOrEqual(1);
      expect(new Set(server.stored).size).toBe(DAY);
      expect(server.stored).toHaveLength(DAY);
      if (what !== '400') expect(server.stored.every((value, index) => value === index)).toBe(true);
    },
    60_000,
  );

  test('F15 of a day, with a network that comes and goes each second: a try each 5 s, about', async () => {
    const { server, requests, timers } = await liveThrough(
      DAY,
      () => ({ received: false, reason: 'unreachable' }),
      (second, environment) => environment.dispatch(second % 2 ? 'online' : 'offline'),
    );
    console.log(`a day of a flapping network: ${requests} requests`);
    expect(requests).toBeLessThanOrEqual(1.05 * (DAY / 5));
    expect(timers).toBeLessThanOrEqual(1);
    expect(server.stored).toHaveLength(DAY);
  }, 60_000);
});
