import pino from 'pino';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ApiException, ConfigException, type LoggerLike, logTo } from '../../src/index.js';
import { leaksIn, SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { FakeEnvironment } from '../support/fakes/fake-environment.js';
import { replyJson, StubFetch } from '../support/fakes/stub-fetch.js';

/** A logger that keeps its lines, each behind its level. */
function notebook() {
  const lines: string[] = [];
  const level = (name: string) => (line: string) => void lines.push(`${name} ${line.replace('nikdev-iot ', '')}`);
  const logger: LoggerLike = {
    debug: level('debug'),
    info: level('info'),
    warn: level('warn'),
    error: level('error'),
  };
  return { lines, logger };
}

function setUp(options = {}, status = 200, body: object = {}) {
  const stub = new StubFetch(() => replyJson(status, body));
  const ports = { clock: new FakeClock(), environment: new FakeEnvironment() };
  return { ...ports, stub, api: openApi({ fetch: stub.fetch, ...options }, ports) };
}

const first = (lines: readonly string[]): string[] => lines.map((line) => line.split(' ', 2).join(' '));

describe('logTo', () => {
  test('writes one line for each event, at its level', async () => {
    const { api } = setUp();
    const { lines, logger } = notebook();
    logTo(api, logger, { level: 'debug' });
    commitEach(api, 1, 2);
    await api.push();
    expect(lines).toEqual([
      expect.stringMatching(/^debug commit id=\w+-1 timestamp=\d+ values=1$/),
      expect.stringMatching(/^debug commit id=\w+-2 timestamp=\d+ values=1$/),
      'debug request method=POST status=200 verdict=stored milliseconds=0',
      'info push entries=2 requests=1 milliseconds=0',
    ]);
  });

  test.each([
    ['debug', ['debug commit', 'warn request', 'error error', 'warn retry']],
    [undefined, ['warn request', 'error error', 'warn retry']],
    ['error', ['error error']],
  ] as const)('leaves out what is below its level (%s)', async (level, expected) => {
    const { api, clock } = setUp({ autoPush: { everySeconds: 1 } }, 503);
    const { lines, logger } = notebook();
    logTo(api, logger, { level });
    commitEach(api, 1);
    await clock.advance(1000);
    expect(first(lines)).toEqual(expected);
  });

  test('counts discarded entries, names the reason, and ends with its undo', async () => {
    const { api } = setUp({}, 401, { message: 'unknown key' });
    const { lines, logger } = notebook();
    const stop = logTo(api, logger);
    commitEach(api, 1, 2);
    await expect(api.push()).rejects.toThrow();
    expect(lines.at(-1)).toBe(
      'warn discard reason=unauthorized entries=2 message="Bad request: unknown key" status=401',
    );
    stop();
    const { length } = lines;
    commitEach(api, 3);
    await expect(api.push()).rejects.toThrow();
    expect(lines).toHaveLength(length);
  });

  test('holds values only if asked, cut, clean and without what looks like a key', () => {
    const { api } = setUp({ apiKey: SENTINEL_KEY });
    const [silent, open] = [notebook(), notebook()];
    logTo(api, silent.logger, { level: 'debug' });
    logTo(api, open.logger, { level: 'debug', values: true });
    api.addValues({ a: `secret\n${'x'.repeat(100)}`, b: SENTINEL_KEY, c: 21.5 });
    api.commit();
    expect(silent.lines.join()).not.toMatch(/secret|21\.5/);
    expect(open.lines).toEqual([expect.stringMatching(/values=3 a="secret\\nx{53}…" b="x{8}-[x-]+" c=21\.5$/)]);
    expect(leaksIn(open.lines.join())).toEqual([]);
  });

  test('takes pino and the console as they are', async () => {
    const records: { level: number; msg: string }[] = [];
    const stream = { write: (record: string) => void records.push(JSON.parse(record)) };
    const { api } = setUp();
    const info = vi.spyOn(console, 'info').mockImplementation(() => {});
    onTestFinished(() => info.mockRestore());
    logTo(api, pino({ level: 'debug' }, stream), { level: 'debug' });
    logTo(api, console);
    commitEach(api, 1);
    await api.push();
    expect(records.map(({ level, msg }) => [level, msg.split(' ', 2)[1]])).toEqual([
      [20, 'commit'],
      [20, 'request'],
      [30, 'push'],
    ]);
    expect(info.mock.calls).toEqual([['nikdev-iot push entries=1 requests=1 milliseconds=0']]);
  });

  test('of a logger that throws harms nothing, and warns once', () => {
    const { api } = setUp();
    const broken = (): never => {
      throw new Error('full');
    };
    logTo(api, { debug: broken, info: broken, warn: broken, error: broken }, { level: 'debug' });
    commitEach(api, 1, 2);
    expect(api.status()).toMatchObject({
      committed: 2,
      warnings: [{ code: 'listener-failed' }, { code: 'listener-failed' }],
    });
  });

  test('refuses what is not a logger, unknown options, and a closed Api', async () => {
    const { api } = setUp();
    const { logger } = notebook();
    for (const wrong of [undefined, {}, 'console', { ...logger, warn: 1 }])
      expect(() => logTo(api, wrong as never)).toThrow(/^logger must have the methods debug, info, warn, error, got /);
    expect(() => logTo(api, logger, { level: 'trace' as never })).toThrow(ConfigException);
    expect(() => logTo(api, logger, { levels: 'info' } as never)).toThrow(/"levels" is not an option/);
    await api.close();
    expect(() => logTo(api, logger)).toThrow(ApiException);
  });
});

describe('the option debug', () => {
  test('as a function is called with each line', () => {
    const lines: unknown[][] = [];
    const { api } = setUp({ debug: (...line: unknown[]) => lines.push(line) });
    commitEach(api, 1);
    expect(lines).toEqual([[expect.stringMatching(/^nikdev-iot commit /)]]);
  });

  test('must be a boolean or a function', () => {
    expect(() => setUp({ debug: 'yes' })).toThrow('debug must be true, false or a function, got "yes"');
  });
});
