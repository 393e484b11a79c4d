import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UploadSemaphore } from '../../../src/core/push/upload-semaphore.js';
import { turn } from '../../support/fakes/fake-clock.js';

describe('UploadSemaphore', () => {
  test('are held at once while there are any, and then in the order in which they were asked for', async () => {
    const semaphore = new UploadSemaphore(2);
    const [first, second, third, fourth] = Array.from({ length: 4 }, () => semaphore.open('a'));
    const held: string[] = [];
    expect(first?.take()).toBeUndefined();
    expect(second?.take()).toBeUndefined();
    void third?.take()?.then(() => held.push('third'));
    void fourth?.take()?.then(() => held.push('fourth'));
    await turn();
    expect(held).toEqual([]);
    second?.release();
    await turn();
    expect(held).toEqual(['third']);
    first?.release();
    await turn();
    expect(held).toEqual(['third', 'fourth']);
  });

  test('are taken but once by who asks again', () => {
    const semaphore = new UploadSemaphore(2);
    const one = semaphore.open('a');
    one.take();
    expect(one.take()).toBeUndefined();
    expect(semaphore.open('a').take()).toBeUndefined();
    expect(semaphore.open('a').take()).toBeInstanceOf(Promise);
  });

  test('a waiter that gives up ends at once, and takes no slot', async () => {
    const semaphore = new UploadSemaphore(1);
    const [holder, quitter, patient] = Array.from({ length: 3 }, () => semaphore.open('a'));
    holder?.take();
    const waiting = quitter?.take();
    let isHeld = false;
    void patient?.take()?.then(() => {
      isHeld = true;
    });
    quitter?.release();
    await waiting;
    expect(isHeld).toBe(false);
    holder?.release();
    await turn();
    expect(isHeld).toBe(true);
  });

  test('are never more than there are, and none gets lost, whoever takes, gives up and releases', async () => {
    const step = fc.record({ who: fc.nat(5), does: fc.constantFrom('take' as const, 'release' as const) });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.array(step), async (count, steps) => {
        const semaphore = new UploadSemaphore(count);
        const all = Array.from({ length: 6 }, (_, who) => ({
          slot: semaphore.open(`server ${who % 2}`),
          asked: 0,
          isHeld: false,
        }));
        for (const { who, does } of steps) {
          const one = all[who] as (typeof all)[number];
          one.asked += 1;
          const { asked } = one;
          if (does === 'release') {
            one.isHeld = false;
            one.slot.release();
          } else {
            const waiting = one.slot.take();
            if (waiting === undefined) one.isHeld = true;
            else void waiting.then(() => (one.isHeld ||= one.asked === asked));
          }
          await turn();
          // Above the limit only the one upload of the other server.
          expect(all.filter(({ isHeld }) => isHeld).length).toBeLessThanOrEqual(count + 1);
        }
        for (const { slot } of all) slot.release();
        const fresh = Array.from({ length: count + 1 }, () => semaphore.open('a').take());
        expect(fresh.map((waiting) => waiting === undefined)).toEqual([...Array(count).fill(true), false]);
      }),
      { numRuns: 200 },
    );
  });
});
