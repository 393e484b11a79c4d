import { expect, test } from 'vitest';
import { littleMemory, SLOW, upTo } from '../../support/processes/little-memory.js';

test('F49 a queue that takes 85 % of the heap is adopted and pushed under the same limit', SLOW, async () => {
  const { numbers, fill, push } = await littleMemory();
  const held = await fill(1, 1);
  expect(await push('push')).toEqual([`adopted ${held}`, `pushed ${held} 0`]);
  expect(numbers.sort((one, other) => one - other)).toEqual(upTo(held));
});
