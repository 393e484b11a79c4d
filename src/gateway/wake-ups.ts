import { encodeWakeUp } from './message.js';
import { UPLOADS, uploadSubjectOf } from './names.js';
import type { Nats } from './nats.js';

/**
 * Publishes a wake-up for a parked device into the queue, so that the device is handled in the turn of its partition.
 *
 * @param fields - Further headers.
 * @throws if the queue does not take it.
 */
export async function publishWakeUp(
  nats: Nats,
  device: string,
  partitions: number,
  fields: Readonly<Record<string, string>>,
): Promise<void> {
  const { headers, body } = encodeWakeUp();
  const subject = uploadSubjectOf(device, partitions);
  await nats.publish(UPLOADS, { subject, headers: { ...headers, ...fields }, body });
}
