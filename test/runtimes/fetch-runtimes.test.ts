import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';

type Install = (folder: string, flags: readonly string[]) => Promise<string>;

const { fetchRuntimes } = (await import(new URL('fetch-runtimes.mjs', import.meta.url).href)) as {
  fetchRuntimes: (
    isThere: (folder: string) => boolean,
    ports: { cache: string; install: Install; wait: (milliseconds: number) => Promise<void> },
  ) => Promise<{ folder: string; problem: string }>;
};

const isThere = (folder: string): boolean => existsSync(join(folder, 'runtime'));

/** @param attempts - The outcome of each: the complaint of npm, or that the runtime has come. Further ones are like the last. */
function setUp(...attempts: ('came' | 'left out' | Error)[]) {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const cache = mkdtempSync(join(tmpdir(), 'nikdev-iot-'));
  onTestFinished(() => {
    vi.restoreAllMocks();
    rmSync(cache, { recursive: true });
  });
  const installs: string[][] = [];
  const waits: number[] = [];
  const install: Install = async (folder, flags) => {
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['package-lock.json', 'package.json']));
    const attempt = attempts[Math.min(installs.push([...flags]), attempts.length) - 1];
    if (attempt === 'came') writeFileSync(join(folder, 'runtime'), '');
    return attempt instanceof Error ? attempt.message : '';
  };
  const wait = async (milliseconds: number): Promise<void> => void waits.push(milliseconds);
  return { installs, waits, cache, fetch: () => fetchRuntimes(isThere, { cache, install, wait }) };
}

const OFFLINE = new Error('ENETUNREACH');

describe('fetching the runtimes', () => {
  test('leaves them in the cache, where they are found again', async () => {
    const { fetch, installs } = setUp('came');
    const { folder, problem } = await fetch();
    expect([isThere(folder), problem]).toEqual([true, '']);
    expect(await fetch()).toEqual({ folder, problem: '' });
    expect(installs).toHaveLength(1);
  });

  test('tries again after ever longer pauses where npm fails, or leaves one out', async () => {
    const { fetch, waits } = setUp(OFFLINE, 'left out', 'came');
    const { folder, problem } = await fetch();
    expect([isThere(folder), problem]).toEqual([true, '']);
    expect(waits).toEqual([5000, 20_000]);
  });

  test('says what npm said when it gives up, and keeps nothing of it in the cache', async () => {
    const { fetch, installs, waits } = setUp(OFFLINE);
    expect((await fetch()).problem).toBe('ENETUNREACH');
    expect(waits).toHaveLength(3);
    const tried = installs.length;
    await fetch();
    expect(installs).toHaveLength(2 * tried);
  });

  test('gets at last those that can be had without the one that fails all', async () => {
    const { fetch, installs } = setUp(OFFLINE);
    await fetch();
    expect(installs.at(-1)).toEqual(['--omit=dev']);
  });

  test('has a word for a runtime that npm leaves out without one', async () => {
    const { fetch } = setUp('left out');
    expect((await fetch()).problem).toMatch(/did not say why/);
  });

  test('may be done by two at once', async () => {
    const { fetch, cache } = setUp('came');
    const [one, other] = await Promise.all([fetch(), fetch()]);
    expect(one).toEqual(other);
    expect(readdirSync(join(cache, 'nikdev-iot-runtimes'))).toHaveLength(1);
  });
});
