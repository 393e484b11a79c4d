import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { Api, type ApiOptions, ConfigException, memoryStorage, ValueException } from '../../src/index.js';
import { rejectionOf } from '../support/assertions/rejections.js';
import { leaksIn, renderings, SENTINEL_KEY } from '../support/assertions/sentinel.js';
import { openApi } from '../support/builders/api.js';
import { API_KEY, credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { FakeClock } from '../support/fakes/fake-clock.js';
import { ValuesServer } from '../support/fakes/values-server.js';

const FIELDS = { temperature: 'id-1', door: { id: 'id-2', schema: v.boolean() }, humidity: { id: 'id-3' } } as const;

/** An `Api` as JavaScript sees it: nothing is a type error. */
type Untyped = Api & { get(names: unknown): Promise<unknown[]> };

function setUp(fields: unknown = FIELDS, values: Readonly<Record<string, unknown>> = {}, options: object = {}) {
  const server = new ValuesServer(values);
  const clock = new FakeClock();
  const all = { ...credentials, storage: memoryStorage(), ...options, fields } as ApiOptions;
  return { server, clock, api: new Api(all, { clock, transport: server }) as Untyped };
}

function thrownBy(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not throw');
}

const stagedBy = (api: Api) => api.commit()?.values;

describe('names', () => {
  test('stand for ids when values are added; the entry has the ids', async () => {
    const { api, server } = setUp();
    api.addValue('temperature', 21.5);
    api.addValues({ door: true, humidity: 40 });
    const entry = api.commit();
    expect(entry?.values).toEqual([
      { fieldId: 'id-1', value: 21.5 },
      { fieldId: 'id-2', value: true },
      { fieldId: 'id-3', value: 40 },
    ]);
    expect(api.log()).toEqual([entry]);
    await api.push();
    expect(server.uploads).toEqual([[[{ 'id-1': 21.5 }, { 'id-2': true }, { 'id-3': 40 }]]]);
  });

  test('come back with what is read, in the order asked for', async () => {
    const { api, server } = setUp(FIELDS, { 'id-1': 21.5, 'id-2': true });
    const timestamp = 1_795_348_000 + 1000;
    expect(await api.get(['door', 'humidity', 'temperature', 'door'])).toEqual([
      { fieldId: 'id-2', field: 'door', value: true, timestamp },
      { fieldId: 'id-1', field: 'temperature', value: 21.5, timestamp },
      { fieldId: 'id-2', field: 'door', value: true, timestamp },
    ]);
    expect(server.asked).toEqual([['id-2', 'id-3', 'id-1']]);
    expect(await api.get('door')).toHaveLength(1);
  });

  test('overwrite each other as ids do', () => {
    const { api } = setUp();
    api.addValue('temperature', 1);
    api.addValue('door', true);
    api.addValue('temperature', 2);
    expect(stagedBy(api)).toMatchObject([
      { fieldId: 'id-1', value: 2 },
      { fieldId: 'id-2', value: true },
    ]);
  });

  test('the field that testConnection asks for is a configured one that can be asked for', async () => {
    const { api, server } = setUp({ folder: '..', temperature: 'id-1' });
    await api.testConnection();
    expect(server.asked).toEqual([['id-1']]);
  });

  test('without them no reading has one', async () => {
    const api = openApi({}, { transport: new ValuesServer({ a: 1 }) });
    expect(await api.get('a')).toEqual([{ fieldId: 'a', value: 1, timestamp: expect.any(Number) }]);
  });

  test('later changes of the option object have no effect', () => {
    const fields: Record<string, string> = { a: 'id-a' };
    const { api } = setUp(fields);
    fields['a'] = 'other';
    fields['b'] = 'id-b';
    api.addValue('a', 1);
    expect(() => api.addValue('b', 1)).toThrow(ValueException);
    expect(stagedBy(api)).toEqual([{ fieldId: 'id-a', value: 1 }]);
  });

  test.each(['__proto__', 'constructor', 'toString', 'length', 'a,b', ''])('F30 may be %j', async (name) => {
    const { api } = setUp(Object.fromEntries([[name, 'id-x']]), { 'id-x': 5 });
    api.addValue(name, 1);
    api.addValues(Object.fromEntries([[name, 2]]));
    expect(stagedBy(api)).toEqual([{ fieldId: 'id-x', value: 2 }]);
    expect(await api.get(name)).toMatchObject([{ field: name, value: 5 }]);
  });

  test.each(['__proto__', 'constructor', 'toString', 'length', 'id-1', ''])('F30 do not include %j', async (name) => {
    const { api, server } = setUp();
    for (const refused of [thrownBy(() => api.addValue(name, 1)), await rejectionOf(api.get([name]))]) {
      expect(refused).toBeInstanceOf(ValueException);
      expect((refused as Error).message).toBe(
        `${JSON.stringify(name)} is not a field; the fields are temperature, door, humidity`,
      );
    }
    expect(thrownBy(() => api.addValues({ temperature: 1, ...Object.fromEntries([[name, 1]]) }))).toBeInstanceOf(
      ValueException,
    );
    expect(api.status().staged).toBe(0);
    expect(server.requests).toEqual([]);
  });

  test.each([undefined, null, 5, {}, ['door']])('are text: %j is refused', (name) => {
    expect(thrownBy(() => setUp().api.addValue(name as never, true))).toBeInstanceOf(ValueException);
  });

  test('a field called . or .. can be written, but not read', async () => {
    const { api } = setUp({ folder: '..' });
    api.addValue('folder', 1);
    expect(await rejectionOf(api.get('folder'))).toBeInstanceOf(ValueException);
  });
});

const LIBRARIES = {
  valibot: v.boolean(),
  zod: z.boolean(),
  arktype: type('boolean'),
};

describe.each(Object.entries(LIBRARIES))('a schema of %s', (_library, schema) => {
  const fields = { door: { id: 'id-2', schema }, temperature: 'id-1' };

  test('stages a value that its schema accepts', () => {
    const { api } = setUp(fields);
    api.addValue('door', true);
    api.addValues({ door: false, temperature: 1 });
    expect(stagedBy(api)).toMatchObject([{ value: false }, { value: 1 }]);
  });

  test.each(['open', 1, null, undefined, {}, [true]])('refuses %j, says why, and stages nothing', (value) => {
    const { api } = setUp(fields);
    const rejections = [
      thrownBy(() => api.addValue('door', value as never)),
      thrownBy(() => api.addValues({ temperature: 1, door: value as never })),
    ];
    for (const rejection of rejections) {
      expect(rejection).toBeInstanceOf(ValueException);
      expect(rejection.message).toMatch(/^the value of "door" is refused by its schema: .*boolean/);
    }
    expect(api.status().staged).toBe(0);
  });

  test('leaves out of what is read a value that it refuses, and warns once', async () => {
    const { api, server } = setUp(fields, { 'id-1': 21.5, 'id-2': 'open' });
    expect(await api.get(['door', 'temperature'])).toMatchObject([{ field: 'temperature' }]);
    await api.get('door');
    expect(api.status().warnings).toEqual([
      { code: 'value-refused', message: expect.stringMatching(/"door".*its schema refuses/) },
    ]);
    server.set('id-2', null, null);
    expect(await api.get('door')).toMatchObject([{ field: 'door', value: null, timestamp: null }]);
    server.set('id-2', false);
    expect(await api.get('door')).toMatchObject([{ field: 'door', value: false }]);
  });
});

const transforming = {
  valibot: v.pipe(
    v.string(),
    v.trim(),
    v.transform((text) => text.toLowerCase()),
  ),
  zod: z.string().trim().toLowerCase(),
  arktype: type('string.trim').to('string.lower'),
};

describe('a schema that changes a value', () => {
  test.each(Object.entries(transforming))('of %s: what it makes is staged', (_library, schema) => {
    const { api } = setUp({ mode: { id: 'id', schema } });
    api.addValue('mode', '  Eco ');
    expect(stagedBy(api)).toEqual([{ fieldId: 'id', value: 'eco' }]);
  });

  test('does not change what is read', async () => {
    const { api } = setUp({ mode: { id: 'id', schema: transforming.zod } }, { id: ' Eco ' });
    expect(await api.get('mode')).toMatchObject([{ value: ' Eco ' }]);
  });

  test.each([
    ['a date', v.pipe(v.string(), v.toDate())],
    ['NaN', v.pipe(v.string(), v.transform(Number))],
    ['nothing', v.optional(v.string())],
  ])('into %s, which no field can hold, is refused', (_name, schema) => {
    const { api } = setUp({ when: { id: 'id', schema } });
    const rejection = thrownBy(() => api.addValue('when', (schema.type === 'optional' ? undefined : 'noon') as never));
    expect(rejection).toBeInstanceOf(ValueException);
    expect(rejection.message).toContain('"when"');
  });
});

describe('a schema that can not be used', () => {
  const asynchronous = {
    valibot: v.pipeAsync(
      v.string(),
      v.checkAsync(async () => false),
    ),
    zod: z.string().refine(async () => false),
  };

  test.each(Object.entries(asynchronous))(
    'an asynchronous one of %s is refused when a value is added',
    (_library, schema) => {
      const rejection = thrownBy(() => setUp({ a: { id: 'id', schema } }).api.addValue('a', 'x'));
      expect(rejection).toBeInstanceOf(ValueException);
      expect(rejection.message).toBe('the schema of "a" is asynchronous: staging can\'t wait for it');
    },
  );

  test('the rejection of an asynchronous one ends no process', async () => {
    const validate = () => Promise.reject(new Error('late'));
    const schema = { '~standard': { version: 1, vendor: 'test', validate } };
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    thrownBy(() => setUp({ a: { id: 'id', schema } }).api.addValue('a', 'x'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  test('an exception of a validator comes through when a value is added, and leaves the value out when it is read', async () => {
    const validate = () => {
      throw new RangeError('a bug');
    };
    const fields = { a: { id: 'id', schema: { '~standard': { version: 1, vendor: 'test', validate } } }, b: 'id-b' };
    const { api } = setUp(fields, { id: 1, 'id-b': 2 });
    expect(thrownBy(() => api.addValues({ b: 1, a: 1 }))).toBeInstanceOf(RangeError);
    expect(api.status().staged).toBe(0);
    expect(await api.get(['a', 'b'])).toMatchObject([{ field: 'b' }]);
  });
});

describe('the option', () => {
  const PLACE = 'fields["door"] must be a field id or { id, schema?, deadband?, atLeastEverySeconds? }';
  test.each<[string, unknown, string]>([
    ['no object', 'id', 'fields must be a plain object of names and field ids, got "id"'],
    ['an array', ['id'], 'fields must be a plain object of names and field ids, got an array'],
    ['a number', { door: 5 }, `${PLACE}, got 5`],
    ['nothing', { door: undefined }, `${PLACE}, got undefined`],
    ['an unknown part', { door: { id: 'a', type: 'x' } }, `${PLACE}, got "type" in it`],
    ['no id', { door: {} }, 'fields["door"] must have a field id, well-formed and not empty, got undefined'],
    ['an empty id', { door: '' }, 'fields["door"] must have a field id, well-formed and not empty, got ""'],
    [
      'a schema that is none',
      { door: { id: 'a', schema: {} } },
      'fields["door"] must have a Standard Schema as its schema, got an object',
    ],
    [
      'a function',
      { door: { id: 'a', schema: () => true } },
      'fields["door"] must have a Standard Schema as its schema, got a function',
    ],
    [
      'another version',
      { door: { id: 'a', schema: { '~standard': { version: 2, validate() {} } } } },
      'fields["door"] must have a Standard Schema as its schema, got an object',
    ],
    ['the same id twice', { door: 'a', gate: { id: 'a' } }, 'fields["gate"] has the same id as fields["door"]'],
  ])('%s is refused', (_name, fields, message) => {
    const rejection = thrownBy(() => setUp(fields));
    expect(rejection).toBeInstanceOf(ConfigException);
    expect(rejection.message).toBe(message);
  });

  test('no field at all: then there is nothing to add', () => {
    expect(thrownBy(() => setUp({}).api.addValue('a', 1)).message).toMatch(/^"a" is not a field/);
  });
});

describe('the API key', () => {
  const keyed = { apiKey: SENTINEL_KEY };
  const long = 'x'.repeat(40);

  test.each<[string, unknown, (api: Untyped) => unknown]>([
    ['an unknown name', FIELDS, (api) => api.addValue(SENTINEL_KEY, 1)],
    ['a long unknown name', FIELDS, (api) => api.addValue(long + SENTINEL_KEY, 1)],
    ['a field id that is staged', undefined, (api) => api.addValue(SENTINEL_KEY.toUpperCase(), 1)],
    ['one of several field ids', undefined, (api) => api.addValues({ a: 1, [SENTINEL_KEY]: 1 })],
    ['an unknown name that is read', FIELDS, (api) => api.get(`${long}${SENTINEL_KEY}`)],
    ['a value that a schema repeats', FIELDS, (api) => api.addValue('door', SENTINEL_KEY)],
    ['a value that a schema repeats late', FIELDS, (api) => api.addValue('door', 'x'.repeat(235) + SENTINEL_KEY)],
    ['a value of a field of its name', { [long + SENTINEL_KEY]: 'a' }, (api) => api.addValue(long + SENTINEL_KEY, NaN)],
    ['a value of all', FIELDS, (api) => api.addValues({ door: SENTINEL_KEY })],
  ])('F34 is in no rejection of %s', async (_name, fields, call) => {
    const { api } = setUp(fields, {}, keyed);
    const rejection = await rejectionOf((async () => call(api))());
    expect(rejection).toBeInstanceOf(ValueException);
    expect(leaksIn(renderings(rejection))).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['a name', { [SENTINEL_KEY]: 5 }],
    ['a long name', { [long + SENTINEL_KEY]: 5 }],
    ['the fields', SENTINEL_KEY],
    ['a part', { a: { id: 'a', [SENTINEL_KEY]: 1 } }],
    ['an id that is not well-formed', { a: `${SENTINEL_KEY}\ud800` }],
    ['two names', { [SENTINEL_KEY]: 'a', b: 'a' }],
    ['an id', { a: SENTINEL_KEY }],
    ['an id beside a schema', { a: { id: SENTINEL_KEY.toUpperCase() } }],
  ])('F34 is in no rejection of the option with it in %s', (_name, fields) => {
    const rejection = thrownBy(() => setUp(fields, {}, keyed));
    expect(rejection).toBeInstanceOf(ConfigException);
    expect(leaksIn(renderings(rejection))).toEqual([]);
  });

  test('F34 is in no warning about a value of the server', async () => {
    const { api } = setUp({ [SENTINEL_KEY]: { id: 'a', schema: v.boolean() } }, { a: SENTINEL_KEY }, keyed);
    await api.get(SENTINEL_KEY);
    expect(api.status().warnings).toHaveLength(1);
    expect(leaksIn(renderings(api.status()))).toEqual([]);
  });

  test('F34 that another program uses is masked where it is refused as a name', () => {
    const { message } = thrownBy(() => setUp(FIELDS, {}, keyed).api.addValue(API_KEY, 1));
    expect(message).toMatch(/^"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" is not a field/);
  });

  test('a field id that is a UUID is shown where its value is refused', () => {
    expect(thrownBy(() => openApi().addValue(DEVICE_ID, Number.NaN)).message).toContain(DEVICE_ID);
  });

  test('F34 is refused by setApiKey where it is the id of a field', () => {
    const { api } = setUp({ a: API_KEY }, {}, keyed);
    const rejection = thrownBy(() => api.setApiKey(API_KEY));
    expect(rejection.message).toBe('fields["a"] must not have the API Key as its id');
  });

  test('F34 is refused as a field id by restore()', () => {
    const entry = { id: 'a-1', timestamp: 1, values: [{ fieldId: SENTINEL_KEY, value: 1 }] };
    const { api } = setUp(FIELDS, {}, keyed);
    expect(thrownBy(() => api.restore([entry]))).toBeInstanceOf(ValueException);
    expect(api.log()).toEqual([]);
  });
});
