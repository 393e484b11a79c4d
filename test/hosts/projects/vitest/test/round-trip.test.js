import { expect, test } from 'vitest';
import { roundTrip } from '../src/shared/round-trip.js';
import { temperature } from '../src/shared/sensor.js';

test('a reading goes the whole way', async () => {
  const line = await roundTrip();
  expect(line).toBe(`read back ${temperature}`);
  console.log(line);
});
