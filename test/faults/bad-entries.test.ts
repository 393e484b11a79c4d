import { describe, expect, test } from 'vitest';
import type { Answer } from '../../src/core/ports/transport.js';
import type { Api, ApiOptions } from '../../src/index.js';
import { pushFailure } from '../support/assertions/rejections.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { received } from '../support/fakes/fake-server.js';
import { type Minds, PickyServer, range } from '../support/fakes/picky-server.js';

function setUp(minds: Minds, options: Partial<ApiOptions> = {}, status = 400) {
  const clock = new FakeClock();
  const server = new PickyServer(minds, status);
  const api = openApi(options, { clock, transport: server });
  return { clock, server, api };
}

const quarantinedValues = (api: Api): unknown[] => api.quarantined().map(({ values }) => values[0]?.value);
const queuedValues = (api: Api): unknown[] => api.log().map(({ values }) => values[0]?.value);

/** The bound of a push without any acceptance, and of what one bad entry may cost beyond the first request. */
const allowed = (entries: number): number => 2 * Math.log2(entries) + 2;

describe('one entry that the server refuses', () => {
  test.each([0, 1, 2, 333, 499, 500, 501, 511, 512, 513, 700, 998, 999])(
    'F9 at place %i of 1,000 is quarantined, 999 are stored, in few requests and one push',
    async (place) => {
      for (const status of [400, 422]) {
        const { api, server } = setUp((value) => value === place, {}, status);
        commitEach(api, ...range(0, 999));
        const exception = await pushFailure(api.push());
        expect(exception).toMatchObject({
          message: `Bad request: ${place} is not wanted.`,
          status,
          retainedData: true,
          discarded: [],
        });
        expect(exception.quarantined).toEqual(api.quarantined());
        expect(quarantinedValues(api)).toEqual([place]);
        expect(queuedValues(api)).toEqual([]);
        expect(new Set(server.stored).size).toBe(999);
        expect(server.stored).toHaveLength(999);
        expect(server.requests.length - 1).toBeLessThanOrEqual(2 * Math.log2(1000) + 3);
      }
    },
  );

  test('F9 the others arrive in the order of their commits', async () => {
    const { api, server } = setUp((value) => value === 321);
    commitEach(api, ...range(0, 999));
    await pushFailure(api.push());
    expect(server.stored).toEqual(range(0, 999).filter((value) => value !== 321));
  });

  test('F9 a single queued entry is kept, as nothing shows that it is at fault', async () => {
    const { api, server } = setUp(() => true);
    const [entry] = commitEach(api, 1);
    const exception = await pushFailure(api.push());
    expect(exception).toMatchObject({ retainedData: true, quarantined: [] });
    expect(api.log()).toEqual([entry]);
    expect(server.requests).toHaveLength(1);
    server.minds = (value) => value === 1;
    commitEach(api, 2);
    await pushFailure(api.push());
    expect(quarantinedValues(api)).toEqual([1]);
    expect(server.stored).toEqual([2]);
  });
});

describe('a server that refuses everything', () => {
  test.each([1, 2, 3, 10, 100, 1000, 2500])(
    'F10 keeps all %i entries, quarantines none, and ends each push soon',
    async (count) => {
      const { api, server } = setUp(() => true);
      const entries = commitEach(api, ...range(1, count));
      for (let push = 0; push < 5; push++) {
        const before = server.requests.length;
        const exception = await pushFailure(api.push());
        expect(exception).toMatchObject({ status: 400, retainedData: true, quarantined: [] });
        expect(server.requests.length - before).toBeLessThanOrEqual(allowed(Math.min(count, 1000)));
      }
      expect(api.quarantined()).toEqual([]);
      expect(api.log()).toEqual(entries);
      server.minds = () => false;
      await api.push();
      expect(new Set(server.stored).size).toBe(count);
      expect(server.stored).toHaveLength(count);
    },
  );

  test.each([10, 12, 30])('F10 %i bad ones at the head do not block the rest for ever', async (bad) => {
    const { api, server } = setUp((value) => (value as number) < bad);
    commitEach(api, ...range(0, 199));
    let pushes = 0;
    while (server.stored.length < 200 - bad) {
      pushes += 1;
      expect(pushes).toBeLessThanOrEqual(10);
      const before = server.requests.length;
      await api.push().catch(() => {});
      if (server.stored.length === 0) expect(server.requests.length - before).toBeLessThanOrEqual(allowed(200));
    }
    expect(server.stored).toEqual(range(bad, 199));
    // Each further entry that is accepted helps to find them.
    for (let number = 200; api.status().committed > 0; number++) {
      expect(number).toBeLessThan(260);
      await api.push().catch(() => {});
      commitEach(api, number);
      await api.push().catch(() => {});
    }
    expect(quarantinedValues(api).sort()).toEqual(range(0, bad - 1).sort());
  });
});

describe('many entries with bad ones among them', () => {
  const bads: readonly (readonly [where: string, bad: readonly number[]])[] = [
    ['spread among them', range(0, 9).map((index) => 500 + index * 1000 + index * 37)],
    ['at the head', range(0, 9)],
    ['at the end', range(9990, 9999)],
    ['in a row in the middle', range(5000, 5009)],
  ];
  test.each(bads)('F9 F10 10 %s: 9,990 of 10,000 are stored, and the 10 quarantined', async (where, bad) => {
    const isBad = new Set<unknown>(bad);
    const { api, server } = setUp((value) => isBad.has(value));
    commitEach(api, ...range(0, 9999));
    let pushes = 0;
    while (api.status().committed > 0) {
      pushes += 1;
      expect(pushes).toBeLessThanOrEqual(12);
      // Good entries show that the server takes anything at all.
      if (pushes > 1) commitEach(api, 10_000 + pushes);
      await api.push().catch(() => {});
    }
    const good = range(0, 9999).filter((value) => !isBad.has(value));
    expect(server.stored.filter((value) => (value as number) < 10_000).sort()).toEqual([...good].sort());
    expect(quarantinedValues(api).sort()).toEqual([...bad].sort());
    console.log(`10 bad entries of 10,000 ${where}: ${server.requests.length} requests in ${pushes} pushes`);
    expect(server.requests.length).toBeLessThanOrEqual(10 + 10 * (2 * Math.log2(1000) + 3));
  });
});

describe('413', () => {
  const tooLarge = (most: number) => (values: readonly unknown[]) => (values.length > most ? received(413) : undefined);

  test.each([1, 2, 7, 50, 300, 999])(
    'F14 above %i entries: halves until it passes, and all is stored',
    async (most) => {
      const { api, server } = setUp(() => false);
      server.instead = tooLarge(most);
      commitEach(api, ...range(1, 2000));
      expect(await api.push()).toMatchObject({ pushed: 2000 });
      expect(server.stored).toEqual(range(1, 2000));
      // The entries that fit, at worst by halves; after each eight that pass, one more is tried that does not.
      const passed = Math.ceil(2000 / Math.max(1, most / 2));
      expect(server.requests.length).toBeLessThanOrEqual(passed * 1.25 + 12);
    },
  );

  test('F14 grows back once the server takes more', async () => {
    const { api, server } = setUp(() => false);
    server.instead = tooLarge(10);
    commitEach(api, ...range(1, 200));
    await api.push();
    server.instead = undefined;
    commitEach(api, ...range(201, 30_000));
    await api.push();
    expect(server.sizes.slice(-5)).toContain(1000);
    expect(server.stored).toEqual(range(1, 30_000));
  });

  test('F14 for one entry, however small the others are: it is quarantined, and they are stored', async () => {
    const { api, server } = setUp((value) => String(value).length > 50, {}, 413);
    const huge = 'x'.repeat(60);
    for (const value of [1, 2, huge, 3, 4]) {
      api.addValue('temperature', value);
      api.commit();
    }
    const exception = await pushFailure(api.push());
    expect(exception).toMatchObject({ status: 413, retainedData: true });
    expect(server.stored).toEqual([1, 2, 3, 4]);
    expect(quarantinedValues(api)).toEqual([huge]);
    expect(exception.quarantined).toEqual(api.quarantined());
  });

  test('F14 for everything: all are kept, nothing is quarantined, and each push ends soon', async () => {
    const { api, server } = setUp(() => true, {}, 413);
    const entries = commitEach(api, ...range(1, 500));
    for (let push = 0; push < 4; push++) {
      const before = server.requests.length;
      expect(await pushFailure(api.push())).toMatchObject({ status: 413, retainedData: true, quarantined: [] });
      expect(server.requests.length - before).toBeLessThanOrEqual(allowed(500));
    }
    expect(api.log()).toEqual(entries);
  });
});

/** Pushes again and again, as long as something is left of what is good; the count of pushes is bounded. */
async function pushUntil(api: Api, isDone: () => boolean, most: number): Promise<number> {
  for (let pushes = 1; pushes <= most; pushes++) {
    await api.push().catch(() => {});
    if (isDone()) return pushes;
  }
  throw new Error(`not done after ${most} pushes`);
}

describe('entries that only pass in smaller requests', () => {
  test('F39 a link of 20 kbit/s with a deadline of 10 s: everything is stored', async () => {
    const { api, server } = setUp(() => false);
    const timeout: Answer = { received: false, reason: 'timeout' };
    // 25,000 bytes pass in 10 s.
    server.instead = () => ((server.requests.at(-1)?.body?.length ?? 0) > 25_000 ? timeout : undefined);
    commitEach(api, ...range(1, 5000));
    await pushUntil(api, () => api.status().committed === 0, 40);
    expect(server.stored).toEqual(range(1, 5000));
  });

  const poisoned = (bad: readonly number[]) => (values: readonly unknown[]) =>
    values.some((value) => bad.includes(value as number)) ? received(503) : undefined;

  test.each([[0], [1], [500], [999], [0, 1], [0, 500, 999], [3, 4, 5, 6, 7]])(
    'F39 503 for poisonous entries (%i …) among 1,000: everything good is stored, and they are kept',
    async (...bad) => {
      const { api, server } = setUp(() => false);
      server.instead = poisoned(bad);
      commitEach(api, ...range(0, 999));
      await pushUntil(api, () => server.stored.length === 1000 - bad.length, 40 + 15 * bad.length);
      expect(server.stored).toEqual(range(0, 999).filter((value) => !bad.includes(value)));
      expect(queuedValues(api)).toEqual(bad);
      // Entries that make the server fail are tried last, in no order.
      expect(api.quarantined()).toEqual([]);
      server.instead = undefined;
      await api.push();
      expect(server.stored.slice(-bad.length).sort()).toEqual([...bad].sort());
    },
  );

  test('F39 a poisonous entry that is known holds up none that come later, and costs little', async () => {
    const { api, server } = setUp(() => false);
    server.instead = poisoned([0]);
    commitEach(api, ...range(0, 99));
    await pushUntil(api, () => server.stored.length === 99, 40);
    for (let round = 1; round <= 20; round++) {
      const numbers = range(round * 100, round * 100 + 49);
      const before = server.requests.length;
      commitEach(api, ...numbers);
      await api.push().catch(() => {});
      expect(server.stored.slice(-50)).toEqual(numbers);
      expect(server.requests.length - before).toBeLessThanOrEqual(round < 20 ? 60 : 3);
    }
  });

  test('F39 an outage of 503 is no evidence against anybody: few requests a push, and the order stays', async () => {
    const { api, server } = setUp(() => false);
    server.instead = () => received(503);
    commitEach(api, ...range(1, 300));
    for (let push = 1; push <= 300; push++) {
      const before = server.requests.length;
      await pushFailure(api.push());
      expect(server.requests.length - before).toBeLessThanOrEqual(2);
    }
    server.instead = undefined;
    expect(await api.push()).toMatchObject({ pushed: 300 });
    expect(server.stored).toEqual(range(1, 300));
  });
});
