import type { Meter } from '@opentelemetry/api';

/** The boundaries that OpenTelemetry recommends for the duration of HTTP requests, in seconds, up to a long time-out. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60];

/** Makes the instruments of a meter; units and names follow OpenTelemetry's conventions. */
export const makeInstruments = (meter: Meter) => ({
  entries: meter.createObservableGauge('nikdev.queue.entries', {
    description: 'Committed entries that wait for their push',
    unit: '{entry}',
  }),
  bytes: meter.createObservableGauge('nikdev.queue.bytes', {
    description: 'Size of the values of queued entries',
    unit: 'By',
  }),
  oldestAge: meter.createObservableGauge('nikdev.queue.oldest_age', {
    description: 'Age of the oldest queued entry; 0 without entries',
    unit: 's',
  }),
  pushed: meter.createCounter('nikdev.entries.pushed', {
    description: 'Entries that the server stored',
    unit: '{entry}',
  }),
  discarded: meter.createCounter('nikdev.entries.discarded', {
    description: 'Entries that left the queue undelivered, by reason',
    unit: '{entry}',
  }),
  quarantined: meter.createCounter('nikdev.entries.quarantined', {
    description: 'Entries that were quarantined, as requests with them fail',
    unit: '{entry}',
  }),
  adopted: meter.createCounter('nikdev.entries.adopted', {
    description: 'Entries left behind by dead runs that were adopted',
    unit: '{entry}',
  }),
  retries: meter.createCounter('nikdev.push.retries', {
    description: 'Failed pushes that are tried again automatically',
    unit: '{retry}',
  }),
  requestDuration: meter.createHistogram('nikdev.request.duration', {
    description: 'Duration of requests, uploads and reads, until the end of the response',
    unit: 's',
    advice: { explicitBucketBoundaries: SECONDS },
  }),
});
