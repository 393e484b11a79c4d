import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Api, type FieldValue, isApiException, ValueException } from '../../src/index.js';
import { getFailure, rejectionOf } from '../support/assertions/rejections.js';
import { openApi } from '../support/builders/api.js';
import {
  AWKWARD_IDS,
  fieldId,
  fieldValue,
  onTheWire,
  refusedId,
  refusedValue,
} from '../support/builders/arbitraries.js';
import { type UploadedEntry, uploadedEntries } from '../support/builders/uploads.js';
import { replyJson, StubFetch } from '../support/fakes/stub-fetch.js';
import { json, loopbackServer } from '../support/servers/loopback-server.js';

const BASE_URL = 'https://server.example/api/v1/';

/** Stages some values, so that a test can tell that they are as they were. */
function stageSome(api: Api): void {
  api.addValue('kept', 1);
  api.addValue('also kept', 'two');
}

const STAGED = [
  { fieldId: 'kept', value: 1 },
  { fieldId: 'also kept', value: 'two' },
];

describe('uploaded values', () => {
  const commits = fc.array(fc.array(fc.tuple(fieldId, fieldValue), { minLength: 1, maxLength: 6 }), { maxLength: 6 });

  test('F30 is what was added: any field ids, any values, the last one of a field in the place of its first', async () => {
    await fc.assert(
      fc.asyncProperty(commits, fc.integer({ min: 1, max: 3 }), async (commits, maxEntriesPerRequest) => {
        const stub = new StubFetch();
        const api = openApi({ fetch: stub.fetch, maxEntriesPerRequest });
        for (const values of commits) {
          for (const [id, value] of values) api.addValue(id, value);
          api.commit();
        }
        const logged = api.log();
        await api.push();
        const expected = commits.map((values) => [...new Map(values)].map(([id, value]) => [id, onTheWire(value)]));
        expect(stub.uploads.flat().map(({ values }) => values)).toEqual(expected);
        expect(logged.map(({ values }) => values.map(({ fieldId, value }) => [fieldId, value]))).toEqual(expected);
        await api.close();
      }),
    );
  });

  test('F30 addValues stages what as many addValue would, whatever the field ids', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.tuple(fieldId, fieldValue), { selector: ([id]) => id }), async (pairs) => {
        const stub = new StubFetch();
        const api = openApi({ fetch: stub.fetch });
        const values = Object.fromEntries(pairs);
        api.addValues(values);
        expect(api.status().staged).toBe(pairs.length);
        await api.commitAndPush();
        const sent = stub.uploads.flat()[0]?.values ?? [];
        expect(sent).toEqual(Object.entries(values).map(([id, value]) => [id, onTheWire(value)]));
        await api.close();
      }),
    );
  });

  test.each(AWKWARD_IDS)('F30 the field id %j comes over a real network as it is, and back by get', async (id) => {
    const uploads: UploadedEntry[] = [];
    const server = await loopbackServer(({ method, body }, response) => {
      if (method === 'POST') uploads.push(...uploadedEntries(body));
      // Spelt out as text: an object literal would not keep a field called __proto__.
      if (method === 'POST') json(response, 200, { data: {} });
      else response.end(`{"data":{"servertime":0,"values":[{${JSON.stringify(id)}:{"value":7,"timestamp":0}}]}}`);
    });
    const api = openApi({ baseUrl: server.baseUrl });
    api.addValue(id, 7);
    await api.commitAndPush();
    expect(uploads.map(({ values }) => values)).toEqual([[[id, 7]]]);
    expect(await api.get(id)).toMatchObject([{ fieldId: id, value: 7 }]);
    expect(server.requests[1]?.path).toBe(`/api/v1/values/${encodeURIComponent(id)}`);
  });

  test('F31 -0 is sent, committed and logged as 0', async () => {
    const stub = new StubFetch();
    const api = openApi({ fetch: stub.fetch });
    api.addValue('zero', -0);
    api.addValues({ also: -0 });
    expect(api.commit()?.values.map(({ value }) => Object.is(value, 0))).toEqual([true, true]);
    expect(api.log()[0]?.values.map(({ value }) => Object.is(value, 0))).toEqual([true, true]);
    await api.push();
    expect(stub.requests[0]?.body).toContain('[{"zero":0},{"also":0}]');
  });

  test('F31 2^53+1 is sent as the double it is', async () => {
    const stub = new StubFetch();
    const api = openApi({ fetch: stub.fetch });
    api.addValue('large', 2 ** 53 + 1);
    await api.commitAndPush();
    expect(stub.requests[0]?.body).toContain('[{"large":9007199254740992}]');
  });
});

describe('the request of get', () => {
  const readable = fieldId.filter((id) => id !== '.' && id !== '..');

  test('F30 is each field id percent-encoded, below values/, and the answers find their fields', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(readable, { minLength: 1, maxLength: 5 }), async (ids) => {
        const values = ids.map((id, index) => `{${JSON.stringify(id)}:{"value":${index},"timestamp":${index}}}`);
        const stub = new StubFetch(() => new Response(`{"data":{"servertime":0,"values":[${values.reverse()}]}}`));
        const api = openApi({ fetch: stub.fetch, baseUrl: BASE_URL });
        const readings = await api.get(ids);
        expect(readings.map(({ fieldId, value }) => [fieldId, value])).toEqual(ids.map((id, index) => [id, index]));
        const url = stub.requests[0]?.url ?? '';
        expect(url.slice(0, BASE_URL.length)).toBe(BASE_URL);
        const [folder, list, ...more] = url.slice(BASE_URL.length).split('/');
        expect([folder, more]).toEqual(['values', []]);
        expect(list).not.toMatch(/[?#\s]/);
        expect(list?.split(',').map(decodeURIComponent)).toEqual(ids);
        await api.close();
      }),
    );
  });

  test.each([{ ids: ['.'] }, { ids: ['..'] }, { ids: ['a', '..'] }, { ids: ['.', 'a'] }])(
    'F30 never $ids: a URL has no way to say it',
    async ({ ids }) => {
      const stub = new StubFetch();
      const api = openApi({ fetch: stub.fetch });
      const exception = await rejectionOf(api.get(ids));
      expect(exception).toBeInstanceOf(ValueException);
      expect((exception as Error).message).toMatch(/"\.\.?"/);
      expect(stub.requests).toEqual([]);
    },
  );

  test('F30 . and .. can be written anyway', async () => {
    const stub = new StubFetch();
    const api = openApi({ fetch: stub.fetch });
    api.addValue('.', 1);
    api.addValue('..', 2);
    await api.commitAndPush();
    expect(stub.uploads[0]?.[0]?.values).toEqual([
      ['.', 1],
      ['..', 2],
    ]);
  });

  test('F31 nothing that is no field id, and a rejection asks for nothing', async () => {
    const stub = new StubFetch();
    const api = openApi({ fetch: stub.fetch });
    await fc.assert(
      fc.asyncProperty(refusedId, async (id) => {
        expect(await rejectionOf(api.get(['good', id as string]))).toBeInstanceOf(ValueException);
      }),
    );
    expect(stub.requests).toEqual([]);
  });

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['an object', { a: 1 }],
    ['a set', new Set(['a'])],
  ])('F31 not %s in place of the ids: refused by one of our exceptions', async (_name, ids) => {
    const stub = new StubFetch();
    const api = openApi({ fetch: stub.fetch });
    const exception = await rejectionOf(api.get(ids as unknown as string[]));
    expect(stub.requests).toEqual([]);
    expect(exception).toSatisfy(isApiException);
  });

  test('F31 a value that is none, in an answer, is bad luck and not passed on', async () => {
    const stub = new StubFetch(() =>
      replyJson(200, { data: { servertime: 0, values: [{ a: { value: {}, timestamp: 0 } }] } }),
    );
    const exception = await getFailure(openApi({ fetch: stub.fetch }).get('a'));
    expect(exception.message).toMatch(/^Bad luck: /);
  });
});

describe('refused ids and values', () => {
  /** A rejection: one of our exceptions, and what was staged is as it was. */
  function expectRefused(api: Api, call: () => void): void {
    let thrown: unknown;
    try {
      call();
    } catch (exception) {
      thrown = exception;
    }
    expect(thrown).toBeInstanceOf(ValueException);
    expect((thrown as ValueException).message).not.toBe('');
    expect(api.status().staged).toBe(STAGED.length);
    expect(api.commit()?.values).toEqual(STAGED);
  }

  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const untagged = Object.defineProperty({}, Symbol.toStringTag, {
    get: () => {
      throw new Error('no tag');
    },
  });

  test.each<[string, (api: Api, input: never) => unknown]>([
    ['a value', (api, input) => api.addValue('kept', input)],
    ['a field', (api, input) => api.addValue(input, 1)],
    ['values', (api, input) => api.addValues(input)],
    ['a value of values', (api, input) => api.addValues({ kept: input })],
    ['a timestamp', (api, input) => api.commit({ timestamp: input })],
    ['entries', (api, input) => api.restore(input)],
    ['ids', (api, input) => api.dropQuarantined(input)],
    ['fields', (api, input) => api.get(input)],
    ['options', (_api, input) => new Api(input)],
    ['a key', (api, input) => api.setApiKey(input)],
  ])('F31 a revoked Proxy is refused as %s by one of our exceptions', async (_name, call) => {
    const api = openApi();
    stageSome(api);
    const exception = await rejectionOf(Promise.resolve().then(() => call(api, proxy as never)));
    expect(exception).toSatisfy(isApiException);
    expect((exception as Error).message).toMatch(/, got an unreadable object$/);
    expectRefused(api, () => api.addValue('kept', proxy as never));
  });

  test('F31 an object whose tag throws is refused as a value by one of our exceptions', () => {
    const api = openApi();
    stageSome(api);
    expectRefused(api, () => api.addValue('kept', untagged as never));
  });

  test('F31 a value that the wire cannot carry stages nothing, beside whatever good ones', () => {
    fc.assert(
      fc.property(fieldId, refusedValue, (id, value) => {
        const api = openApi();
        stageSome(api);
        expectRefused(api, () => api.addValue(id, value as FieldValue));
        stageSome(api);
        expectRefused(api, () => api.addValues({ kept: 2, good: 1, [`x${id}`]: value as FieldValue, more: true }));
      }),
    );
  });

  test('F31 an invalid field id stages nothing', () => {
    fc.assert(
      fc.property(refusedId, fieldValue, (id, value) => {
        const api = openApi();
        stageSome(api);
        expectRefused(api, () => api.addValue(id as string, value));
      }),
    );
  });

  test('F31 a rejection names the field, what came and what was wanted', () => {
    const api = openApi();
    const wanted = 'must be a string, a finite number or a boolean';
    const rejection = (value: unknown) => () => api.addValue('temperature', value as FieldValue);
    expect(rejection(Number.NaN)).toThrow(`"temperature" ${wanted}, got NaN`);
    expect(rejection(Number.POSITIVE_INFINITY)).toThrow(`"temperature" ${wanted}, got Infinity`);
    expect(rejection(null)).toThrow(`"temperature" ${wanted}, got null`);
    expect(rejection(undefined)).toThrow(`"temperature" ${wanted}, got undefined`);
    expect(rejection({})).toThrow(`"temperature" ${wanted}, got an object`);
    expect(rejection(1n)).toThrow(/"temperature" .*bigint/);
    expect(rejection('\ud800')).toThrow(/"temperature" .*lone surrogate/);
    expect(() => api.addValue('', 1)).toThrow('fieldId must be a non-empty string, got ""');
    expect(() => api.addValue('\udc00', 1)).toThrow(/fieldId .*lone surrogate/);
  });

  test.each([
    ['an array', [1]],
    ['null', null],
    ['undefined', undefined],
    ['a text', 'temperature'],
    ['a number', 5],
    ['a map, whose values would be passed over silently', new Map([['a', 1]])],
    ['a set, whose values would be passed over silently', new Set(['a'])],
    ['a promise, whose values would be passed over silently', Promise.resolve({ a: 1 })],
    ['a date', new Date(0)],
  ])('F31 addValues refuses %s', (_name, values) => {
    const api = openApi();
    stageSome(api);
    expectRefused(api, () => api.addValues(values as unknown as Record<string, FieldValue>));
  });

  test('F31 an object is refused without asking its getters', () => {
    const api = openApi();
    stageSome(api);
    let asked = 0;
    const value = {
      get value() {
        asked += 1;
        return 1;
      },
      toJSON() {
        asked += 1;
        return 1;
      },
    };
    expectRefused(api, () => api.addValue('a', value as unknown as FieldValue));
    expect(asked).toBe(0);
  });

  test('F31 a getter that answers something else the second time can stage nothing that was not checked', () => {
    const api = openApi();
    let asked = 0;
    api.addValues({
      get a() {
        asked += 1;
        return asked === 1 ? 1 : (Number.NaN as FieldValue);
      },
    });
    expect(api.commit()?.values).toEqual([{ fieldId: 'a', value: 1 }]);
  });

  test('F31 a getter that throws stages nothing', () => {
    const api = openApi();
    stageSome(api);
    const values = {
      good: 1,
      get bad(): number {
        throw new Error('no');
      },
    };
    expect(() => api.addValues(values)).toThrow();
    expect(api.commit()?.values).toEqual(STAGED);
  });

  test('F31 a getter that stages values itself keeps them, and breaks no order', () => {
    const api = openApi();
    api.addValues({
      get a() {
        api.addValue('inner', 1);
        return 2;
      },
    });
    expect(api.commit()?.values).toEqual([
      { fieldId: 'inner', value: 1 },
      { fieldId: 'a', value: 2 },
    ]);
  });

  test.each([null, 1_700_000_000, '2026-11-22', new Date(0)])(
    'F31 %j in place of the options of a commit is refused, not taken for a commit of now',
    (options) => {
      const api = openApi();
      stageSome(api);
      let thrown: unknown;
      try {
        api.commit(options as unknown as object);
      } catch (exception) {
        thrown = exception;
      }
      expect(api.status()).toMatchObject({ staged: STAGED.length, committed: 0 });
      expect(thrown).toSatisfy(isApiException);
    },
  );

  test('F31 a commit time that is none commits nothing and leaves the values staged', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constantFrom<unknown>(
            null,
            '1700000000',
            Number.NaN,
            Number.POSITIVE_INFINITY,
            -1,
            1.5,
            1n,
            new Date(0),
            {},
          ),
          fc.integer({ min: 1_000_000_000_000, max: 4_000_000_000_000 }),
        ),
        (timestamp) => {
          const api = openApi();
          stageSome(api);
          expectRefused(api, () => api.commit({ timestamp: timestamp as number }));
        },
      ),
    );
  });
});
