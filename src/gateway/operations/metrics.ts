import type { Gauge, Histogram, Registry } from 'prom-client';
import { loadPeer } from '../peers.js';
import type { Counts, Durations, Tally } from './counts.js';
import type { QueueDepth } from './queue-depth.js';

/** The metrics of a gateway in the format of Prometheus. None has an id of a device. */
export interface Metrics {
  /** The content type of {@link Metrics.text}. */
  readonly contentType: string;
  text(): Promise<string>;
}

const PREFIX = 'nikdev_gateway_';

/** The counters: their name, help, and label. */
const COUNTERS: readonly (readonly [of: (counts: Counts) => Tally, name: string, help: string, label?: string])[] = [
  [
    (counts) => counts.acceptedUploads,
    'accepted_uploads_total',
    'Uploads that were replicated and acknowledged',
    'verified',
  ],
  [(counts) => counts.acceptedEntries, 'accepted_entries_total', 'Entries of acknowledged uploads'],
  [(counts) => counts.acceptedBytes, 'accepted_bytes_total', 'Bytes of acknowledged uploads, inflated'],
  [(counts) => counts.rejectedRequests, 'rejected_requests_total', 'Responses other than a success', 'status'],
  [
    (counts) => counts.unacknowledgedUploads,
    'unacknowledged_uploads_total',
    'Uploads that the stream did not acknowledge',
  ],
  [(counts) => counts.keyChecks, 'key_checks_total', 'API keys that upstream was asked about', 'outcome'],
  [(counts) => counts.forwardedEntries, 'forwarded_entries_total', 'Entries that upstream stored'],
  [(counts) => counts.quarantinedEntries, 'quarantined_entries_total', 'Entries in quarantine'],
  [(counts) => counts.parked, 'parked_total', 'How often a device was parked'],
  [(counts) => counts.unparked, 'unparked_total', 'How often all messages of a parked device were settled'],
  [(counts) => counts.alarms, 'alarms_total', 'Conditions that an operator has to look at', 'alarm'],
];

type Prometheus = typeof import('prom-client');

/** Makes the metrics of what a gateway has counted. */
export async function createMetrics(counts: Counts, depth: QueueDepth): Promise<Metrics> {
  const prometheus = await loadPeer('prom-client');
  const registry = new prometheus.Registry();
  prometheus.collectDefaultMetrics({ register: registry });
  for (const [of, name, help, label] of COUNTERS) addCounter(prometheus, registry, of(counts), { name, help, label });
  addHistogram(registry, [[{}, counts.acknowledging]], {
    name: 'acknowledge_seconds',
    help: 'From the head of an upload to its acknowledgement',
  });
  const ofUpstream: Series = [
    [{ stored: 'true' }, counts.stored],
    [{ stored: 'false' }, counts.notStored],
  ];
  addHistogram(registry, ofUpstream, { name: 'upstream_seconds', help: 'Uploads to upstream' });
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new prometheus.Gauge({ name: PREFIX + name, help, labelNames, registers: [registry] });
  const messages = gauge('queue_messages', 'Messages in the queue', ['partition']);
  const age = gauge('queue_oldest_seconds', 'Age of the oldest message in the queue', ['partition']);
  const isConnected = gauge('nats_connected', 'Whether the gateway is connected to NATS');
  return {
    contentType: registry.contentType,
    async text() {
      isConnected.set(counts.isConnected ? 1 : 0);
      await setDepth(depth, messages, age);
      return registry.metrics();
    },
  };
}

interface Description {
  readonly name: string;
  readonly help: string;
  readonly label?: string | undefined;
}

const configurationOf = (registry: Registry, { name, help, label }: Description) => ({
  name: PREFIX + name,
  help,
  labelNames: label === undefined ? [] : [label],
  registers: [registry],
});

function addCounter({ Counter }: Prometheus, registry: Registry, tally: Tally, description: Description): void {
  const { label } = description;
  new Counter({
    ...configurationOf(registry, description),
    collect() {
      this.reset();
      for (const [value, sum] of tally) this.inc(label === undefined ? {} : { [label]: value }, sum);
    },
  });
}

type Series = readonly (readonly [labels: Readonly<Record<string, string>>, durations: Durations])[];

/** A histogram of the package can't take over durations that were counted before: this one has the only method that a registry calls. */
function addHistogram(registry: Registry, series: Series, { name, help }: Description): void {
  const fullName = PREFIX + name;
  const get = async (): Promise<object> => ({
    name: fullName,
    help,
    type: 'histogram',
    values: series.flatMap(([labels, durations]) => valuesOf(fullName, labels, durations)),
  });
  registry.registerMetric({ name: fullName, get } as unknown as Histogram);
}

function valuesOf(name: string, labels: Readonly<Record<string, string>>, { buckets, count, sum }: Durations) {
  const bounds: [le: number | string, count: number][] = [...buckets, ['+Inf', count]];
  return [
    ...bounds.map(([le, value]) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value })),
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}

/** While the cluster does not answer, the last values would be wrong: there are none. */
async function setDepth(depth: QueueDepth, messages: Gauge, age: Gauge): Promise<void> {
  messages.reset();
  age.reset();
  const { partitions } = await depth.read().catch(() => ({ partitions: [] }));
  for (const { partition, messages: count, oldestSeconds } of partitions) {
    messages.set({ partition: String(partition) }, count);
    age.set({ partition: String(partition) }, oldestSeconds);
  }
}
