import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BATCH, littleMemory, SLOW, upTo } from '../../support/processes/little-memory.js';

test.each([
  ['in many journals of several writers each', 'push', 20, 5],
  ['and moved away from what waits for another device', 'part', 1, 1],
] as const)(
  'F49 a queue that takes 85 % of the heap, %s, is adopted and pushed under the same limit',
  SLOW,
  async (_, role, journals, writers) => {
    const { folder, numbers, fill, push } = await littleMemory();
    const held = await fill(journals, writers);
    expect(await push(role)).toEqual([`adopted ${held}`, `pushed ${held} 0`]);
    expect(numbers.sort((one, other) => one - other)).toEqual(upTo(held));
    expect(readdirSync(folder)).toHaveLength(journals);
  },
);

test('F49 and again after a crash half-way through its push, with one batch sent twice', SLOW, async () => {
  const { numbers, fill, push } = await littleMemory();
  const held = await fill(1, 1);
  expect(await push('push', held / 2)).toEqual([`adopted ${held}`]);
  const sent = numbers.length;
  const left = held - sent + BATCH;
  expect(await push('push')).toEqual([`adopted ${left}`, `pushed ${left} 0`]);
  expect(numbers).toEqual([...upTo(sent), ...upTo(held).slice(sent - BATCH)]);
});
