import { Api } from 'nikdev-iot';
import { options, temperature } from './sensor.js';

/** Stores the reading, and reads it. @returns A line with the value that was read. */
export async function roundTrip(more) {
  const api = new Api({ ...options, ...more });
  api.addValue('temperature', temperature);
  await api.commitAndPush();
  const [reading] = await api.get('temperature');
  await api.close();
  return `read back ${reading?.value}`;
}
