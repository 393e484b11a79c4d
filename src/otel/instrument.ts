import { type Attributes, type MeterProvider, metrics, type ObservableResult } from '@opentelemetry/api';
import type { Entry } from '../core/model/entry.js';
import type { Events } from '../core/model/events.js';
import type { Status } from '../core/model/status.js';
import { makeInstruments } from './instruments.js';

/** The members of an `Api` that are read. */
export interface InstrumentedApi {
  /** The state of the queue. */
  status(): Status;
  /** The committed entries, oldest first. */
  log(): readonly Pick<Entry, 'timestamp'>[];
  /** Listens to an event. @returns A function that stops listening. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;
}

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /**
   * The provider that the metrics go to, such as a `MeterProvider` of `@opentelemetry/sdk-metrics`.
   *
   * @defaultValue the global provider of `@opentelemetry/api`
   */
  readonly meterProvider?: MeterProvider | undefined;
  /**
   * The value of the attribute `device` of all metrics of this `Api`. Each value makes time series of its own.
   *
   * @defaultValue none: the metrics are totals over all `Api`s of the provider
   */
  readonly device?: string | undefined;
}

/** An `Api` with the value of its attribute. */
interface Source {
  readonly api: InstrumentedApi;
  readonly device: string | undefined;
}

/** The sources of a provider, over which gauges are totals, and all attributes that its sources ever had, by device. */
interface Sources {
  readonly sources: Set<Source>;
  readonly attributes: Map<string | undefined, Attributes>;
}

/** The sources by provider: a second set of instruments with the same names would replace the first. */
const registry = /* @__PURE__ */ new WeakMap<MeterProvider, ReturnType<typeof register>>();

/**
 * Reports the metrics of an `Api`: its queue, what was pushed, discarded, quarantined and adopted, its retries and the duration
 * of its requests. Metrics of several `Api`s of one provider add up. A closed `Api` is not reported any more. Queue sizes are in
 * entries and bytes, times in seconds; requests have the attributes `http.request.method`, `http.response.status_code` and
 * `error.type`, which is absent after a success.
 *
 * @returns A function that stops it.
 * @throws An `ApiException` if `api` is closed.
 * @example
 * ```ts
 * const stop = instrument(api, { meterProvider })
 * ```
 */
export function instrument(api: InstrumentedApi, options: InstrumentOptions = {}): () => void {
  const { meterProvider = metrics.getMeterProvider(), device } = options;
  const shared = registry.get(meterProvider) ?? register(meterProvider);
  registry.set(meterProvider, shared);
  const source: Source = { api, device };
  const attributes = device === undefined ? {} : { device };
  const undos = [...listen(api, attributes, shared.instruments)];
  shared.attributes.set(device, attributes);
  shared.sources.add(source);
  return () => {
    shared.sources.delete(source);
    for (const undo of undos) undo();
  };
}

function register(meterProvider: MeterProvider) {
  const instruments = makeInstruments(meterProvider.getMeter('nikdev-iot'));
  const all: Sources = { sources: new Set(), attributes: new Map() };
  const { entries, bytes, oldestAge } = instruments;
  entries.addCallback((result) => observe(result, all, (sum, { status }) => sum + status.committed));
  bytes.addCallback((result) => observe(result, all, (sum, { status }) => sum + status.bytes));
  oldestAge.addCallback((result) =>
    observe(result, all, (max, { status }) => Math.max(max, status.oldestAgeSeconds ?? 0)),
  );
  return { instruments, ...all };
}

/** Observes a total for each set of attributes, 0 without an open `Api`: the SDK repeats a value that is not observed again. */
function observe(
  result: ObservableResult,
  { sources, attributes }: Sources,
  add: (value: number, source: { readonly api: InstrumentedApi; readonly status: Status }) => number,
): void {
  const totals = new Map(Array.from(attributes.keys(), (device) => [device, 0]));
  for (const source of sources) {
    const { api, device } = source;
    // Another Api may have adopted its entries, and counts them.
    if (isClosed(api)) sources.delete(source);
    else totals.set(device, add(totals.get(device) ?? 0, { api, status: api.status() }));
  }
  for (const [device, value] of totals) result.observe(value, attributes.get(device));
}

/** A closed `Api` refuses listeners. */
function isClosed(api: InstrumentedApi): boolean {
  try {
    api.on('push', () => {})();
    return false;
  } catch {
    return true;
  }
}

function* listen(api: InstrumentedApi, attributes: Attributes, to: ReturnType<typeof makeInstruments>) {
  yield api.on('push', ({ entries }) => to.pushed.add(entries, attributes));
  yield api.on('discard', ({ entries, reason }) => to.discarded.add(entries.length, { ...attributes, reason }));
  yield api.on('quarantine', ({ entries }) => to.quarantined.add(entries.length, attributes));
  yield api.on('adopt', ({ entries }) => to.adopted.add(entries, attributes));
  yield api.on('retry', () => to.retries.add(1, attributes));
  yield api.on('request', ({ method, status, verdict, milliseconds }) =>
    to.requestDuration.record(milliseconds / 1000, {
      ...attributes,
      'http.request.method': method,
      ...(status !== undefined && { 'http.response.status_code': status }),
      ...(verdict !== 'stored' && { 'error.type': String(status ?? verdict) }),
    }),
  );
}
