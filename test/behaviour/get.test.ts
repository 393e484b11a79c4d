import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GetException } from '../../src/index.js';
import { getFailure } from '../support/assertions/rejections.js';
import { openApi } from '../support/builders/api.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { received } from '../support/fakes/fake-server.js';
import { ValuesServer } from '../support/fakes/values-server.js';

function setUp(values: Readonly<Record<string, unknown>> = {}, options = {}) {
  const clock = new FakeClock();
  const server = new ValuesServer(values);
  return { clock, server, api: openApi(options, { clock, transport: server }) };
}

const numbered = (count: number, prefix = 'field'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const byId = (ids: readonly string[]) => Object.fromEntries(ids.map((id, index) => [id, index]));

describe('get of many fields', () => {
  test('is several requests, none with a URL of more than 8 KB, and comes back in the order asked for', async () => {
    const ids = numbered(1000, 'ä/ö');
    const { api, server } = setUp(byId(ids));
    const backwards = [...ids].reverse();
    expect((await api.get(backwards)).map(({ fieldId }) => fieldId)).toEqual(backwards);
    for (const { url } of server.requests) expect(url.length).toBeLessThanOrEqual(8000);
    expect(server.asked.flat()).toEqual(backwards);
    // 18 characters an id.
    expect(server.requests.length).toBe(Math.ceil((1000 * 18) / 8000));
  });

  test('counts a long baseUrl too', async () => {
    const ids = numbered(300);
    const { api, server } = setUp(byId(ids), { baseUrl: `https://server.example/${'a'.repeat(6000)}/` });
    expect(await api.get(ids)).toHaveLength(300);
    for (const { url } of server.requests) expect(url.length).toBeLessThanOrEqual(8000);
  });

  test('asks for one thing at a time', async () => {
    const ids = numbered(2000);
    const { api, server } = setUp(byId(ids));
    await api.get(ids);
    expect(server.mostUnderWay).toBe(1);
  });

  test('moves the times of each answer by that answer', async () => {
    const ids = numbered(1000);
    const { api, server } = setUp(byId(ids));
    server.misfortune = () => {
      server.servertime -= 5;
      return undefined;
    };
    const readings = await api.get(ids);
    const moved = new Set(readings.map(({ timestamp }) => (timestamp ?? 0) - 1_795_348_000));
    expect([...moved]).toEqual(server.requests.map((_, index) => 1005 + 5 * index));
  });

  test('asks once for a field that is wanted twice, and gives it twice', async () => {
    const { api, server } = setUp({ a: 1, b: 2 });
    expect((await api.get(['a', 'b', 'a'])).map(({ value }) => value)).toEqual([1, 2, 1]);
    expect(server.asked).toEqual([['a', 'b']]);
  });

  test('requests an id that is longer than a URL separately', async () => {
    const long = 'x'.repeat(9000);
    const { api, server } = setUp({ a: 1, [long]: 2, b: 3 });
    expect((await api.get(['a', long, 'b'])).map(({ value }) => value)).toEqual([1, 2, 3]);
    expect(server.asked).toEqual([['a'], [long], ['b']]);
  });

  test('fails as a whole where one of its requests fails', async () => {
    const ids = numbered(1000);
    const { api, server } = setUp(byId(ids));
    server.misfortune = (asked) => (asked.includes('field-999') ? received(503) : undefined);
    expect(await getFailure(api.get(ids))).toMatchObject({
      status: 503,
      message: expect.stringMatching(/^Bad luck: /),
    });
  });

  test('asks for no more once its signal has aborted', async () => {
    const ids = numbered(1000);
    const { api, server } = setUp(byId(ids));
    const abort = new AbortController();
    server.misfortune = () => {
      abort.abort();
      return undefined;
    };
    await getFailure(api.get(ids, { signal: abort.signal }));
    expect(server.requests).toHaveLength(1);
  });

  test('halves what the server finds too long (414)', async () => {
    const ids = numbered(10);
    const { api, server } = setUp(byId(ids));
    server.misfortune = (asked) => (asked.length > 3 ? received(414) : undefined);
    expect((await api.get(ids)).map(({ fieldId }) => fieldId)).toEqual(ids);
    server.misfortune = () => received(414);
    expect(await getFailure(api.get(ids))).toMatchObject({ status: 414 });
  });
});

describe('a field that the server does not know', () => {
  test('has no reading', async () => {
    const { api } = setUp({ a: 1, b: 2 });
    expect((await api.get(['nobody', 'a', 'nothing', 'b'])).map(({ fieldId }) => fieldId)).toEqual(['a', 'b']);
    expect(await api.get('nobody')).toEqual([]);
  });

  test('is absent too where the server answers 404 whenever one is unknown', async () => {
    const ids = numbered(32);
    const { api, server } = setUp(byId(ids.filter((id) => id !== 'field-7' && id !== 'field-20')));
    server.misfortune = (asked) => (asked.every((id) => server.values.has(id)) ? undefined : received(404));
    const found = (await api.get(ids)).map(({ fieldId }) => fieldId);
    expect(found).toEqual(ids.filter((id) => id !== 'field-7' && id !== 'field-20'));
    expect(server.requests.length).toBeLessThanOrEqual(1 + 2 * 2 * Math.log2(32));
  });

  test('among nothing but 404 is a rejection, within 128 requests: it may be the wrong server', async () => {
    const { api, server } = setUp();
    server.misfortune = () => received(404, { message: 'Not found' });
    for (const count of [1, 2, 3, 32, 210]) {
      const before = server.requests.length;
      const exception = await getFailure(api.get(numbered(count)));
      expect(exception).toMatchObject({ status: 404, message: 'Bad request: Not found' });
      expect(server.requests.length - before).toBeLessThanOrEqual(Math.min(2 * count, 128));
    }
  });

  test('hides none of 64 that the server knows, wherever it stands among others', async () => {
    const ids = numbered(64);
    for (const known of ['field-0', 'field-31', 'field-63']) {
      const { api, server } = setUp({ [known]: 1 });
      server.misfortune = (asked) => (asked.every((id) => id === known) ? undefined : received(404));
      expect(await api.get([...ids, ...ids])).toMatchObject([{ fieldId: known }, { fieldId: known }]);
    }
  });

  test('is never the reason that another one is missing: all that are known come, or an exception', async () => {
    const few = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { minLength: 1, maxLength: 40 });
    const property = fc.asyncProperty(
      few,
      fc.func(fc.boolean()),
      fc.constantFrom(7800, 7950),
      async (ids, isKnown, length) => {
        const known = ids.filter(isKnown);
        // Little room is left for ids.
        const { api, server } = setUp(byId(known), { baseUrl: `https://server.example/${'a'.repeat(length)}/` });
        server.misfortune = (asked) => (asked.every((id) => server.values.has(id)) ? undefined : received(404));
        const found = await api.get(ids).then(
          (readings) => readings.map(({ fieldId }) => fieldId),
          (exception: GetException) => exception.status,
        );
        if (known.length === 0 || found === 404) expect(found).toBe(404);
        else expect(found).toEqual(known);
        if (known.length === ids.length) expect(found).toEqual(ids);
        await api.close();
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });
});
