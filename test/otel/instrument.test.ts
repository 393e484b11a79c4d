import { metrics } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Api } from '../../src/index.js';
import { instrument } from '../../src/otel.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { replyJson, StubFetch } from '../support/fakes/stub-fetch.js';
import { json, loopbackServer } from '../support/servers/loopback-server.js';
import { closedPort } from '../support/servers/raw-server.js';

/** The real SDK, with what it exports as `<name>{<attributes>}` and value; of a histogram its count. */
function sdk() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => meterProvider.shutdown());
  return {
    meterProvider,
    async read(): Promise<Record<string, number>> {
      exporter.reset();
      await meterProvider.forceFlush();
      const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
      const points = all.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => {
          const shown = Object.keys(attributes).length > 0 ? JSON.stringify(attributes) : '';
          return [descriptor.name + shown, typeof value === 'number' ? value : value.count] as const;
        }),
      );
      return Object.fromEntries(points);
    },
  };
}

function open(status: () => number, options = {}) {
  const fetch = new StubFetch(() => replyJson(status(), { message: 'no' })).fetch;
  const ports = { clock: new FakeClock(), environment: new FakeEnvironment() };
  return { api: openApi({ fetch, ...options }, ports), ...ports };
}

describe('instrument', () => {
  test('reports the queue, pushes and requests, by the names and units of the conventions', async () => {
    const { meterProvider, read } = sdk();
    const { api } = open(() => 200);
    instrument(api, { meterProvider });
    commitEach(api, 1, 2, 3);
    expect(await read()).toMatchObject({
      'nikdev.queue.entries': 3,
      'nikdev.queue.bytes': api.status().bytes,
      'nikdev.queue.oldest_age': expect.any(Number),
    });
    await api.push();
    expect(await read()).toEqual({
      'nikdev.queue.entries': 0,
      'nikdev.queue.bytes': 0,
      'nikdev.queue.oldest_age': 0,
      'nikdev.entries.pushed': 3,
      'nikdev.request.duration{"http.request.method":"POST","http.response.status_code":200}': 1,
    });
  });

  test('reports retries, discards by reason, and failed requests by type', async () => {
    const { meterProvider, read } = sdk();
    let status = 503;
    const { api, clock } = open(() => status, { autoPush: { everySeconds: 1 } });
    instrument(api, { meterProvider });
    commitEach(api, 1, 2);
    await clock.advance(1000);
    status = 401;
    await api.push().catch(() => {});
    expect(await read()).toMatchObject({
      'nikdev.push.retries': 1,
      'nikdev.entries.discarded{"reason":"unauthorized"}': 2,
      'nikdev.queue.entries': 0,
      'nikdev.request.duration{"http.request.method":"POST","http.response.status_code":503,"error.type":"503"}': 2,
      'nikdev.request.duration{"http.request.method":"POST","http.response.status_code":401,"error.type":"401"}': 2,
    });
  });

  test('reports quarantined and adopted entries', async () => {
    const { meterProvider, read } = sdk();
    const fetch = new StubFetch(({ body }) => replyJson(body.includes('"bad"') ? 422 : 200, {})).fetch;
    const { memoryStorage } = await import('../../src/index.js');
    const storage = memoryStorage();
    const first = openApi({ storage, fetch });
    commitEach(first, 1);
    first.addValue('bad', 1);
    first.commit();
    await first.close();
    const api = openApi({ storage, fetch });
    instrument(api, { meterProvider });
    await api.ready;
    await api.push().catch(() => {});
    expect(await read()).toMatchObject({
      'nikdev.entries.adopted': 2,
      'nikdev.entries.quarantined': 1,
      'nikdev.entries.pushed': 1,
    });
  });

  test('adds up the Apis of a provider, or distinguishes them by device, and leaves out closed ones', async () => {
    const { meterProvider, read } = sdk();
    const [one, two, three] = [open(() => 200).api, open(() => 200).api, open(() => 200).api] as [Api, Api, Api];
    instrument(one, { meterProvider });
    const stop = instrument(two, { meterProvider });
    instrument(three, { meterProvider, device: 'greenhouse' });
    commitEach(one, 1);
    commitEach(two, 1, 2);
    commitEach(three, 1, 2, 3);
    const entries = async () => {
      const { 'nikdev.queue.entries': all, 'nikdev.queue.entries{"device":"greenhouse"}': own } = await read();
      return [all, own];
    };
    expect(await entries()).toEqual([3, 3]);
    stop();
    expect(await entries()).toEqual([1, 3]);
    await one.close();
    expect(await entries()).toEqual([0, 3]);
    await two.push();
    await three.push();
    const pushed = await read();
    expect(pushed['nikdev.entries.pushed{"device":"greenhouse"}']).toBe(3);
    expect(pushed).not.toHaveProperty('nikdev.entries.pushed');
  });

  test('goes to the global provider by default', async () => {
    const { meterProvider, read } = sdk();
    metrics.setGlobalMeterProvider(meterProvider);
    onTestFinished(() => metrics.disable());
    const { api } = open(() => 200);
    instrument(api);
    commitEach(api, 1);
    expect(await read()).toMatchObject({ 'nikdev.queue.entries': 1 });
  });
});

test('metrics scraped over HTTP follow a push that fails and recovers', async () => {
  const exporter = new PrometheusExporter({ port: await closedPort(), host: '127.0.0.1' });
  const meterProvider = new MeterProvider({ readers: [exporter] });
  onTestFinished(() => meterProvider.shutdown());
  const url = `http://127.0.0.1:${(exporter as unknown as { _port: number })._port}/metrics`;
  let isDown = true;
  const server = await loopbackServer((_request, response) => json(response, isDown ? 503 : 200, { data: {} }));
  const api = openApi({ baseUrl: server.baseUrl, fetch: undefined, autoPush: { everySeconds: 0 } });
  api.on('error', () => {});
  instrument(api, { meterProvider });
  const scrape = async () => (await (await fetch(url)).text()).split('\n').filter((line) => !line.startsWith('#'));
  const failed = new Promise((resolve) => api.on('retry', resolve));
  commitEach(api, 1, 2);
  await failed;
  const during = await scrape();
  expect(during).toContainEqual(expect.stringMatching(/^nikdev_queue_entries\{[^}]*\} 2$/));
  expect(during).toContainEqual(expect.stringMatching(/^nikdev_push_retries_total\{[^}]*\} [1-9]/));
  expect(during).toContainEqual(
    expect.stringMatching(/^nikdev_request_duration_count\{.*http_response_status_code="503".*\} [1-9]/),
  );
  isDown = false;
  await api.push();
  const after = await scrape();
  expect(after).toContainEqual(expect.stringMatching(/^nikdev_queue_entries\{[^}]*\} 0$/));
  expect(after).toContainEqual(expect.stringMatching(/^nikdev_entries_pushed_total\{[^}]*\} 2$/));
  expect(after).toContainEqual(expect.stringMatching(/^nikdev_request_duration_bucket\{.*le="0\.005"/));
});
