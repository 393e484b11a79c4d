import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { GatewayNews } from '../news.js';
import { loadPeer } from '../peers.js';
import type { QueueDepth } from './queue-depth.js';

/** The metrics of a gateway in the format of Prometheus. None has an id of a device. */
export interface Metrics {
  /** The content type of {@link Metrics.text}. */
  readonly contentType: string;
  text(): Promise<string>;
}

const PREFIX = 'nikdev_gateway_';
const SECONDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/** Counts the events of a gateway. */
export async function createMetrics(news: GatewayNews, depth: QueueDepth): Promise<Metrics> {
  const prometheus = await loadPeer('prom-client');
  const registry = new prometheus.Registry();
  prometheus.collectDefaultMetrics({ register: registry });
  const make = makerOf(prometheus, registry);
  countUploads(news, make);
  countForwarding(news, make);
  const messages = make.gauge('queue_messages', 'Messages in the queue', ['partition']);
  const age = make.gauge('queue_oldest_seconds', 'Age of the oldest message in the queue', ['partition']);
  return {
    contentType: registry.contentType,
    async text() {
      await setDepth(depth, messages, age);
      return registry.metrics();
    },
  };
}

type Maker = ReturnType<typeof makerOf>;

function makerOf({ Counter, Gauge, Histogram }: typeof import('prom-client'), registry: Registry) {
  const common = (name: string, help: string, labelNames: readonly string[] = []) => ({
    name: PREFIX + name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
  });
  return {
    counter: (...given: Parameters<typeof common>): Counter => new Counter(common(...given)),
    gauge: (...given: Parameters<typeof common>): Gauge => new Gauge(common(...given)),
    histogram: (...given: Parameters<typeof common>): Histogram =>
      new Histogram({ ...common(...given), buckets: SECONDS }),
  };
}

function countUploads(news: GatewayNews, make: Maker): void {
  const uploads = make.counter('accepted_uploads_total', 'Uploads that were replicated and acknowledged', ['verified']);
  const entries = make.counter('accepted_entries_total', 'Entries of acknowledged uploads');
  const bytes = make.counter('accepted_bytes_total', 'Bytes of acknowledged uploads, inflated');
  const seconds = make.histogram('acknowledge_seconds', 'From the head of an upload to its acknowledgement');
  const responses = make.counter('rejected_requests_total', 'Responses other than a success', ['status']);
  const failed = make.counter('unacknowledged_uploads_total', 'Uploads that the stream did not acknowledge');
  const checks = make.counter('key_checks_total', 'API keys that upstream was asked about', ['outcome']);
  news.on('accepted', (event) => {
    uploads.inc({ verified: String(event.isVerified) });
    entries.inc(event.entries);
    bytes.inc(event.bytes);
    seconds.observe(event.milliseconds / 1000);
  });
  news.on('rejected', ({ status }) => responses.inc({ status: String(status) }));
  news.on('unacknowledged', () => failed.inc());
  news.on('key-checked', ({ outcome }) => checks.inc({ outcome }));
}

function countForwarding(news: GatewayNews, make: Maker): void {
  const forwarded = make.counter('forwarded_entries_total', 'Entries that upstream stored');
  const quarantined = make.counter('quarantined_entries_total', 'Entries in quarantine');
  const parked = make.counter('parked_total', 'How often a device was parked');
  const unparked = make.counter('unparked_total', 'How often all messages of a parked device were settled');
  const seconds = make.histogram('upstream_seconds', 'Uploads to upstream', ['stored']);
  const alarms = make.counter('alarms_total', 'Conditions that an operator has to look at', ['alarm']);
  const isConnected = make.gauge('nats_connected', 'Whether the gateway is connected to NATS');
  isConnected.set(1);
  news.on('forwarded', ({ entries }) => forwarded.inc(entries));
  news.on('quarantined', ({ entries }) => quarantined.inc(entries));
  news.on('parked', () => parked.inc());
  news.on('unparked', () => unparked.inc());
  news.on('upstream-answered', ({ isStored, milliseconds }) =>
    seconds.observe({ stored: String(isStored) }, milliseconds / 1000),
  );
  news.on('alarm', ({ alarm }) => alarms.inc({ alarm }));
  news.on('connection', (event) => isConnected.set(event.isConnected ? 1 : 0));
}

/** While the cluster does not answer, the last values would be wrong: there are none. */
async function setDepth(depth: QueueDepth, messages: Gauge, age: Gauge): Promise<void> {
  messages.reset();
  age.reset();
  const partitions = await depth.read().catch(() => []);
  for (const { partition, messages: count, oldestSeconds } of partitions) {
    messages.set({ partition: String(partition) }, count);
    age.set({ partition: String(partition) }, oldestSeconds);
  }
}
