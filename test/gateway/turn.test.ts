import { describe, expect, test } from 'vitest';
import { GatewayNews } from '../../src/gateway/news.js';
import { StallAlarm } from '../../src/gateway/worker/stall-alarm.js';
import { Turn } from '../../src/gateway/worker/turn.js';
import { FakeClock } from '../support/fakes/fake-clock.js';

function open(clock = new FakeClock()) {
  const message = { calls: 0, working };
  function working(): void {
    message.calls += 1;
  }
  const closing = new AbortController();
  const news = new GatewayNews();
  const alarms: string[] = [];
  news.on('alarm', ({ alarm, message: text }) => alarms.push(`${alarm}: ${text.split('.', 1)[0]}`));
  const stallAlarm = new StallAlarm(3, { news, clock });
  const turn = new Turn(message, { clock, closing: closing.signal, stallAlarm });
  return { clock, message, closing, alarms, turn };
}

describe('the turn of a worker', () => {
  test('is extended every 5 s, for as long as the worker works, and not after its end', async () => {
    const { clock, message, turn } = open();
    await clock.advance(61_000);
    expect([message.calls, turn.isLost]).toEqual([12, false]);
    turn.end();
    await clock.advance(60_000);
    expect(message.calls).toBe(12);
  });

  test('is lost by a process that was frozen for longer than 12 s, though JetStream waits for 15 s', async () => {
    const clock = new FakeClock();
    let frozen = 0;
    const { monotonic } = FakeClock.prototype;
    clock.monotonic = () => monotonic.call(clock) + frozen;
    const { message, turn } = open(clock);
    frozen = 12_001;
    expect(() => turn.check()).toThrow('another worker has the turn');
    await clock.advance(5000);
    expect(message.calls).toBe(0);
  });

  test('repeats a write that fails until it succeeds, and gives up when the worker closes', async () => {
    const { clock, closing, turn } = open();
    let attempts = 0;
    const write = (successful: number) => async () => {
      attempts += 1;
      if (attempts < successful) throw new Error('no leader');
      return 'written';
    };
    const written = turn.persist('BUCKET', write(4));
    await clock.advance(2000);
    expect(await written).toBe('written');
    attempts = 0;
    const ended = expect(turn.persist('BUCKET', write(100))).rejects.toThrow('no leader');
    closing.abort();
    await clock.advance(2000);
    await ended;
  });

  test('reports a write that has failed for 10 s, and again every 30 s, without the text of the error', async () => {
    const { clock, closing, alarms, turn } = open();
    const ended = expect(turn.persist('BUCKET', () => Promise.reject(new TypeError('secret')))).rejects.toThrow();
    await clock.advance(9000);
    expect(alarms).toEqual([]);
    await clock.advance(4000);
    expect(alarms).toEqual(['worker-stalled: partition 3 stands still, as a request to BUCKET fails: TypeError']);
    await clock.advance(25_000);
    expect(alarms).toHaveLength(1);
    await clock.advance(6000);
    expect(alarms).toHaveLength(2);
    closing.abort();
    await clock.advance(2000);
    await ended;
  });

  test('reports a stream that is full at once', async () => {
    const { alarms, turn } = open();
    const full = new Error('maximum bytes exceeded');
    let attempts = 0;
    const write = async () => {
      attempts += 1;
      if (attempts === 1) throw full;
    };
    const written = turn.persist('BUCKET', write);
    await Promise.resolve();
    expect(alarms).toEqual([
      'worker-stalled: partition 3 stands still, as a request to BUCKET fails: the stream is full',
    ]);
    turn.end();
    void written;
  });

  test('aborts an attempt after its time, and when the worker closes', async () => {
    const { clock, closing, turn } = open();
    const aborted = (signal: AbortSignal) =>
      new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('aborted')));
    const attempt = turn.attempt(25_000, aborted);
    await clock.advance(25_000);
    expect(await attempt).toBe('aborted');
    const other = turn.attempt(25_000, aborted);
    closing.abort();
    expect(await other).toBe('aborted');
    expect(await turn.attempt(25_000, async ({ aborted: isAborted }) => isAborted)).toBe(true);
  });
});
