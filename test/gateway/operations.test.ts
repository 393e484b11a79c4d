import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createFrontServer } from '../../src/gateway/front/http-server.js';
import { unavailable } from '../../src/gateway/front/unavailable.js';
import { ALARMS, GatewayNews } from '../../src/gateway/news.js';
import { Counts } from '../../src/gateway/operations/counts.js';
import { logNews } from '../../src/gateway/operations/logs.js';
import { createMetrics } from '../../src/gateway/operations/metrics.js';
import type { QueueDepth } from '../../src/gateway/operations/queue-depth.js';

const DEVICE = '11111111-1111-4111-8111-111111111111';

describe('the logs of a gateway', () => {
  function open() {
    const news = new GatewayNews();
    const lines: [level: string, fields: Record<string, unknown>, line: string][] = [];
    const at = (level: string) => (fields: object, line: string) =>
      void lines.push([level, fields as Record<string, unknown>, line]);
    const end = logNews(news, { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') });
    return { news, lines, end };
  }

  test('G7 have no character that acts on a terminal or begins a line, whatever upstream says', () => {
    const { news, lines } = open();
    news.emit('quarantined', { device: DEVICE, entries: 1, reason: 'bad\r\n{"level":50}\u001b[31m\u202edetrever' });
    expect(lines).toEqual([
      [
        'warn',
        { event: 'quarantined', device: DEVICE, entries: 1, reason: 'bad  {"level":50}detrever' },
        'quarantined',
      ],
    ]);
  });

  test('have 60 lines a minute of a kind at most, and end with the number of those left out', () => {
    const { news, lines, end } = open();
    for (let count = 0; count < 500; count += 1) news.emit('unparked', { device: DEVICE });
    expect(lines).toHaveLength(60);
    end();
    news.emit('alarm', { alarm: 'stream-full', message: 'full' });
    expect(lines.slice(60)).toEqual([['info', { event: 'unparked', leftOut: 440 }, 'lines left out']]);
  });

  test('count each kind of alarm separately, and report after a minute how many lines were left out', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { news, lines } = open();
    const full = { alarm: 'stream-full', message: 'full' } as const;
    for (let count = 0; count < 100; count += 1) news.emit('alarm', full);
    news.emit('alarm', { alarm: 'sealed-key', message: 'sealed' });
    expect(lines.slice(60)).toEqual([['error', { event: 'alarm', alarm: 'sealed-key', message: 'sealed' }, 'alarm']]);
    vi.advanceTimersByTime(60_000);
    expect(lines.slice(61)).toEqual([
      ['error', { event: 'alarm', alarm: 'stream-full', leftOut: 40 }, 'lines left out'],
    ]);
    news.emit('alarm', full);
    expect(lines.at(-1)).toEqual(['error', { event: 'alarm', ...full }, 'alarm']);
  });
});

describe('the metrics of a gateway', () => {
  const depth = {
    read: async () => ({ partitions: [{ partition: 3, messages: 7, oldestSeconds: 12 }], strays: 0 }),
  } as unknown as QueueDepth;

  test('count accepted, forwarded, quarantined and parked, with depth, age and latency, and without an id', async () => {
    const news = new GatewayNews();
    const counts = new Counts(news);
    const upload = { device: DEVICE, entries: 5, bytes: 100, isVerified: true, isDuplicate: false, milliseconds: 3 };
    news.emit('accepted', upload);
    news.emit('forwarded', { device: DEVICE, partition: 3, entries: 4 });
    news.emit('quarantined', { device: DEVICE, entries: 1, reason: 'bad' });
    news.emit('parked', { device: DEVICE, reason: 'refused' });
    news.emit('unparked', { device: DEVICE });
    news.emit('upstream-answered', { isStored: true, milliseconds: 70 });
    news.emit('alarm', { alarm: 'stream-full', message: DEVICE });
    news.emit('rejected', { status: 413 });
    const text = await (await createMetrics(counts, depth)).text();
    for (const line of [
      'accepted_uploads_total{verified="true"} 1',
      'accepted_entries_total 5',
      'accepted_bytes_total 100',
      'forwarded_entries_total 4',
      'quarantined_entries_total 1',
      'parked_total 1',
      'unparked_total 1',
      'queue_messages{partition="3"} 7',
      'queue_oldest_seconds{partition="3"} 12',
      'upstream_seconds_sum{stored="true"} 0.07',
      'acknowledge_seconds_count 1',
      'acknowledge_seconds_bucket{le="0.002"} 0',
      'acknowledge_seconds_bucket{le="0.005"} 1',
      'acknowledge_seconds_bucket{le="+Inf"} 1',
      'nats_connected 1',
      'alarms_total{alarm="stream-full"} 1',
      'rejected_requests_total{status="413"} 1',
    ])
      expect(text).toContain(`nikdev_gateway_${line}`);
    expect(text).not.toContain(DEVICE);
  });
});

describe('the counters of a gateway', () => {
  const depth = { read: async () => ({ partitions: [], strays: 0 }) } as unknown as QueueDepth;

  test('begin at 0 for each known label, as an alert on an increase misses a series that begins at 1', async () => {
    const text = await (await createMetrics(new Counts(new GatewayNews()), depth)).text();
    for (const alarm of ALARMS) expect(text).toContain(`nikdev_gateway_alarms_total{alarm="${alarm}"} 0`);
    for (const line of [
      'accepted_uploads_total{verified="false"} 0',
      'key_checks_total{outcome="unknown"} 0',
      'upstream_seconds_count{stored="false"} 0',
      'forwarded_entries_total 0',
    ])
      expect(text).toContain(`nikdev_gateway_${line}`);
  });

  test('go on between two readings, and follow the connection', async () => {
    const news = new GatewayNews();
    const metrics = await createMetrics(new Counts(news), depth);
    for (const isConnected of [false, true, false]) {
      news.emit('parked', { device: DEVICE, reason: 'refused' });
      news.emit('connection', { isConnected });
      await metrics.text();
    }
    const text = await metrics.text();
    expect(text).toContain('nikdev_gateway_parked_total 3');
    expect(text).toContain('nikdev_gateway_nats_connected 0');
  });
});

describe('a 503 of a gateway', () => {
  test('spreads the devices over 3 to 15 s', () => {
    const seconds = Array.from({ length: 1000 }, () => Number(unavailable().headers['retry-after']));
    expect([Math.min(...seconds), Math.max(...seconds), new Set(seconds).size]).toEqual([3, 15, 13]);
  });
});

describe('the server of a gateway', () => {
  test('G6 bounds heads, their time, that of requests, and connections', () => {
    const server = createFrontServer(async () => unavailable());
    const { maxConnections, headersTimeout, requestTimeout } = server;
    expect({ maxConnections, headersTimeout, requestTimeout }).toEqual({
      maxConnections: 10_000,
      headersTimeout: 10_000,
      requestTimeout: 130_000,
    });
  });
});
