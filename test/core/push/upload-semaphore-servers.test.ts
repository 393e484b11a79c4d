import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UploadSemaphore } from '../../../src/core/push/upload-semaphore.js';
import { turn } from '../../support/fakes/fake-clock.js';

/** One upload after the other through one slot, as a device makes them. */
class Device {
  isUnderWay = false;
  isWaiting = false;
  readonly server: string;
  readonly #slot;

  constructor(semaphore: UploadSemaphore, server: string) {
    this.server = server;
    this.#slot = semaphore.open(server);
  }

  async start(): Promise<void> {
    const waiting = this.#slot.take();
    this.isWaiting = waiting !== undefined;
    await waiting;
    this.isUnderWay = true;
    this.isWaiting = false;
  }

  end(): void {
    this.isUnderWay = false;
    this.#slot.release();
  }
}

function setUp(limit: number, devices: Readonly<Record<string, number>>) {
  const semaphore = new UploadSemaphore(limit);
  const all = Object.entries(devices).flatMap(([server, count]) =>
    Array.from({ length: count }, () => new Device(semaphore, server)),
  );
  const of = (server: string): Device[] => all.filter((device) => device.server === server);
  const underWay = (server: string): Device[] => of(server).filter(({ isUnderWay }) => isUnderWay);
  return { all, of, underWay };
}

async function startAll(devices: readonly Device[]): Promise<void> {
  for (const device of devices) void device.start();
  await turn();
}

describe('uploads to several servers', () => {
  test('F55 do not wait where their server has none under way, however many others have', async () => {
    const { all, of, underWay } = setUp(16, { hangs: 120, well: 2, fine: 1 });
    await startAll(of('hangs'));
    expect(underWay('hangs')).toHaveLength(16);
    await startAll([...of('well'), ...of('fine')]);
    expect([underWay('well').length, underWay('fine').length]).toEqual([1, 1]);
    underWay('well')[0]?.end();
    await turn();
    expect(of('well').map(({ isUnderWay }) => isUnderWay)).toEqual([false, true]);
    expect(all.filter(({ isUnderWay }) => isUnderWay)).toHaveLength(18);
  });

  test('share what becomes free: the server with the fewest under way is next, so that one that hangs gathers no more than its share', async () => {
    const { of, underWay } = setUp(4, { hangs: 20, well: 20 });
    await startAll(of('hangs'));
    await startAll(of('well'));
    // As often as not, each of the two ends one; the server that answers ends many more.
    for (let round = 0; round < 3; round++) {
      underWay('hangs')[0]?.end();
      for (let count = 0; count < 3; count++) {
        underWay('well')[0]?.end();
        await turn();
      }
    }
    expect([underWay('hangs').length, underWay('well').length]).toEqual([2, 2]);
  });

  test('take turns where as many of each are under way', async () => {
    const { of, underWay } = setUp(2, { one: 3, other: 3 });
    await startAll([...of('one'), ...of('other')]);
    underWay('one')[0]?.end();
    await turn();
    expect([underWay('one').length, underWay('other').length]).toEqual([1, 1]);
    underWay('one')[0]?.end();
    await turn();
    expect([underWay('one').length, underWay('other').length]).toEqual([1, 1]);
  });

  const STEP = fc.record({ who: fc.nat(23), does: fc.constantFrom('start' as const, 'end' as const) });
  const DEVICES = { a: 10, b: 6, c: 4, d: 4 };
  const SERVERS = Object.keys(DEVICES);

  /** Starts what is neither under way nor waiting, and ends what is either. */
  async function run(all: readonly Device[], steps: readonly { who: number; does: 'start' | 'end' }[]): Promise<void> {
    for (const { who, does } of steps) {
      const device = all[who] as Device;
      const isAtIt = device.isUnderWay || device.isWaiting;
      if (does === 'start' && !isAtIt) void device.start();
      if (does === 'end' && device.isUnderWay) device.end();
      await turn();
    }
  }

  test('F55 are at most the limit and one to each other server, and wait only where another to the same server is under way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(STEP, { maxLength: 120 }), async (limit, steps) => {
        const { all, of, underWay } = setUp(limit, DEVICES);
        for (const step of steps) {
          await run(all, [step]);
          const count = all.filter(({ isUnderWay }) => isUnderWay).length;
          expect(count).toBeLessThanOrEqual(limit + SERVERS.length - 1);
          for (const server of SERVERS) {
            if (!of(server).some(({ isWaiting }) => isWaiting)) continue;
            expect(underWay(server).length).toBeGreaterThan(0);
            expect(count).toBeGreaterThanOrEqual(limit);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test('F55 all get their turn in the end, whatever hangs, and in the order in which they came', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }),
        fc.array(STEP, { maxLength: 80 }),
        fc.constantFrom(...SERVERS),
        async (limit, steps, server) => {
          const { all, of, underWay } = setUp(limit, DEVICES);
          await run(all, steps);
          const waiting = of(server).filter(({ isWaiting }) => isWaiting);
          const late = of(server).filter(({ isWaiting, isUnderWay }) => !isWaiting && !isUnderWay);
          await startAll(late);
          const entered: Device[] = [];
          // All other servers hang from now on.
          for (let ends = 0; ends < of(server).length; ends++) {
            const before = new Set(underWay(server));
            if (before.size === 0) break;
            [...before][0]?.end();
            await turn();
            entered.push(...underWay(server).filter((device) => !before.has(device)));
          }
          expect(of(server).filter(({ isWaiting }) => isWaiting)).toEqual([]);
          expect(new Set(entered.slice(0, waiting.length))).toEqual(new Set(waiting));
        },
      ),
      { numRuns: 150 },
    );
  });
});
