import { setMaxListeners } from 'node:events';
import type { Clock } from '../../core/time/clock.js';
import { SystemClock } from '../../platform/system-clock.js';
import type { Secrets } from '../keys/secret.js';
import { BUCKETS } from '../names.js';
import type { Nats } from '../nats.js';
import type { GatewayNews } from '../news.js';
import { Deliverer, type WorkerKeys } from './delivery.js';
import type { Upstream } from './device-client.js';
import { Evidence } from './evidence.js';
import { Forwarder } from './forwarder.js';
import { Marks } from './marks.js';
import { ParkedDevices } from './parked-devices.js';
import { ParkedMessages } from './parked-messages.js';
import { Parking } from './parking.js';
import { Partition } from './partition.js';
import { QuarantineStream } from './quarantine.js';
import { RetrySchedule } from './retry-schedule.js';

/** The parts of a gateway that its worker uses. */
export interface WorkerOptions {
  readonly nats: Nats;
  readonly secrets: Secrets;
  readonly keys: WorkerKeys;
  readonly news: GatewayNews;
  readonly upstream: Upstream;
  readonly partitions: number;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/** Forwards the uploads of all partitions; any number of workers share the partitions of a cluster. */
export interface Worker {
  /** Takes no further message, and ends within 10 s: the messages under way are finished, or left for another worker. */
  close(): Promise<void>;
}

/** The time to finish messages under way, in milliseconds; then their requests are aborted. */
const FINISH_MS = 8000;

/** Starts a worker, whose streams, consumers and buckets must exist. */
export async function createWorker(options: WorkerOptions): Promise<Worker> {
  const { nats, secrets, news, upstream, partitions: count, clock = new SystemClock() } = options;
  const [marks, records] = await Promise.all([nats.kv(BUCKETS.marks), nats.kv(BUCKETS.devices)]);
  const aborting = new AbortController();
  setMaxListeners(count + 1, aborting.signal);
  const devices = new ParkedDevices(records, { clock, news });
  const messages = new ParkedMessages(nats);
  const schedule = new RetrySchedule(nats, devices, count, clock);
  const shared = { ...options, clock, devices, messages, schedule, evidence: new Evidence() };
  const quarantine = new QuarantineStream(nats, secrets);
  const forwarder = new Forwarder(upstream);
  const parts = { ...shared, quarantine, forwarder, marks: new Marks(marks), aborting: aborting.signal };
  const parking = new Parking(shared);
  const partitions = Array.from(
    { length: count },
    (_, number) => new Partition(number, { ...parts, news, parking, deliverer: new Deliverer(parts, number) }),
  );
  const running = partitions.map((partition) => partition.run());
  schedule.start();
  return {
    async close() {
      schedule.close();
      for (const partition of partitions) partition.close();
      const cancel = clock.setTimer(() => aborting.abort(), FINISH_MS);
      await Promise.all(running);
      cancel();
      await forwarder.close();
    },
  };
}
