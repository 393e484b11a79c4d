import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../support/disks/temporary-folder.js';

interface State {
  readonly committed: number;
  readonly stored: number;
  readonly waiting: number;
  readonly quarantined: number;
  readonly dropped: number;
  readonly lost: number;
  readonly pid?: number;
  readonly runs: number;
  readonly isLiveFirst: boolean;
  readonly now: number;
  readonly serverBackAt?: number;
  readonly refused: readonly { readonly reason: string }[];
}

type Point = [fieldId: string, time: number, value: unknown, arrivedAt: number];

interface Server {
  readonly url: string;
  close(): void;
}

const load = async (name: string) =>
  (await import(new URL(`../../examples/demo/${name}`, import.meta.url).href)) as {
    startServer(options: object): Promise<Server>;
    runLive(server: Server, signal: AbortSignal): Promise<boolean>;
  };
const { startServer } = await load('server.mjs');
const { runLive } = await load('live.mjs');

/** Longer than the device needs to queue readings, be killed and start again, also on a busy machine. */
const OUTAGE_SECONDS = 20;

/** Runs the demo until the test ends. @param options - Settings of its server. */
async function startDemo(options: { outageSeconds?: number } = { outageSeconds: OUTAGE_SECONDS }) {
  vi.spyOn(console, 'log').mockReturnValue();
  vi.spyOn(console, 'error').mockReturnValue();
  const server = await startServer({
    port: 0,
    fields: [],
    folder: temporaryFolder(),
    ...options,
  });
  const stop = new AbortController();
  const ended = runLive(server, stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await ended;
    server.close();
  }, 30_000);
  const { origin } = new URL(server.url);
  const get = async (path: string) => (await fetch(`${server.url}demo/${path}`)).json();
  const state = (): Promise<State> => get('state');
  const until = async (isReached: (state: State) => boolean): Promise<State> => {
    let last: State | undefined;
    const check = async (): Promise<boolean> => {
      last = await state();
      return isReached(last);
    };
    await expect.poll(check, { timeout: 45_000, interval: 100 }).toBe(true);
    return last as State;
  };
  const act = async (name: string, headers: Record<string, string> = { origin }): Promise<number> =>
    (await fetch(`${server.url}demo/actions?name=${name}`, { method: 'POST', headers })).status;
  const history = (after = 0): Promise<{ cursor: number; points: Point[] }> => get(`history?after=${after}`);
  return { state, until, act, history };
}

describe('the device of the demo', { timeout: 120_000 }, () => {
  test('keeps its queue while the server is down and it is killed, and delivers all of it, the newest reading first', async () => {
    const { until, act, history } = await startDemo();
    await until(({ stored }) => stored >= 2);
    expect(await act('outage')).toBe(200);
    const queued = await until(({ waiting }) => waiting >= 3);
    expect(queued).toMatchObject({ lost: 0, serverBackAt: expect.any(Number) });
    const { cursor } = await history();

    expect(await act('kill')).toBe(200);
    const killed = await until(({ pid }) => pid === undefined);
    expect(killed.waiting).toBeGreaterThanOrEqual(3);
    const restarted = await until(({ pid }) => pid !== undefined);
    expect(restarted).toMatchObject({ runs: 2, lost: 0 });
    expect(restarted.pid).not.toBe(queued.pid);

    const drained = await until(({ waiting, serverBackAt }) => serverBackAt === undefined && waiting === 0);
    expect(drained).toMatchObject({ stored: drained.committed, lost: 0 });
    const { points } = await history(cursor);
    const arrived = points.filter(([id]) => id === 'boiler').map(([, time]) => time);
    expect(arrived[0]).toBeGreaterThan(Math.min(...arrived));
    expect(new Set(arrived).size).toBeGreaterThan(queued.waiting);
  });

  test('sets a reading aside that the server refuses, puts it back, and drops it', async () => {
    const { until, act } = await startDemo();
    await until(({ stored }) => stored >= 1);
    await act('overheat');
    const { refused, lost } = await until(({ quarantined }) => quarantined === 1);
    expect(refused).toMatchObject([{ reason: 'Bad request: Boiler is above 60 °C' }]);
    expect(lost).toBe(0);
    await act('restore');
    await until(({ refused: { length } }) => length === 0);
    // The server has not changed its mind.
    const { stored } = await until(({ quarantined }) => quarantined === 1);
    await act('drop');
    expect(await until(({ dropped }) => dropped === 1)).toMatchObject({ quarantined: 0, lost: 0 });
    await until((state) => state.stored > stored);
  });

  test('delivers its queue oldest first or live first, as the switch says', async () => {
    const { until, act, history } = await startDemo({ outageSeconds: 7 });
    /** Lets readings wait during an outage. @returns The times of the readings in the order in which they arrived. */
    const arrivalsAfterAnOutage = async (): Promise<number[]> => {
      await act('outage');
      await until(({ waiting }) => waiting >= 5);
      const { cursor } = await history();
      const drained = ({ waiting, serverBackAt }: State): boolean => serverBackAt === undefined && waiting === 0;
      expect(await until(drained)).toMatchObject({ lost: 0, runs: 1 });
      const { points } = await history(cursor);
      return points.filter(([id]) => id === 'boiler').map(([, time]) => time);
    };
    await until(({ isLiveFirst, stored }) => isLiveFirst && stored >= 1);
    await act('oldest-first');
    await until(({ isLiveFirst }) => !isLiveFirst);
    const inOrder = await arrivalsAfterAnOutage();
    expect(inOrder.length).toBeGreaterThanOrEqual(5);
    expect(inOrder).toEqual([...inOrder].sort((one, other) => one - other));

    await act('live-first');
    await until(({ isLiveFirst }) => isLiveFirst);
    const [first, ...others] = await arrivalsAfterAnOutage();
    expect(first).toBeGreaterThan(Math.min(...others) + 2);
  });

  test('is cut off for as long as the button says, unless its demo was given another length', async () => {
    const { until, act } = await startDemo({});
    await until(({ pid }) => pid !== undefined);
    await act('outage');
    const { serverBackAt = 0, now } = await until((state) => state.serverBackAt !== undefined);
    const page = readFileSync(new URL('../../examples/dashboard/index.html', import.meta.url), 'utf8');
    const [, label] = /id="outage">Take the server down for (\d+) s</.exec(page) ?? [];
    expect(Math.abs(serverBackAt - now - Number(label))).toBeLessThan(2);
  });

  test('obeys the dashboard only', async () => {
    const { act, until } = await startDemo();
    const { pid } = await until((state) => state.pid !== undefined);
    expect(await act('kill', { origin: 'http://evil.example' })).toBe(403);
    expect(await act('kill', {})).toBe(403);
    expect(await act('constructor')).toBe(404);
    expect((await until(({ stored }) => stored >= 1)).pid).toBe(pid);
  });
});

test('the demo ends with its device when that fails', { timeout: 30_000 }, async () => {
  const errors = vi.spyOn(console, 'error').mockReturnValue();
  const { DeviceProcess } = (await import(new URL('../../examples/demo/device-process.mjs', import.meta.url).href)) as {
    DeviceProcess: new (options: object) => { run(signal: AbortSignal): Promise<boolean> };
  };
  // Without its settings it refuses to start.
  const script = fileURLToPath(new URL('../../examples/device/device.mjs', import.meta.url));
  const device = new DeviceProcess({ env: { PATH: process.env['PATH'] }, onReport: () => undefined, script });
  expect(await device.run(new AbortController().signal)).toBe(false);
  expect(errors).toHaveBeenLastCalledWith('The device ended unexpectedly (exit code 2).');
});
