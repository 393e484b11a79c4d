/*
 * Checked by `npm run types`, never run: each line marked as an error must be one, and all others none.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type } from 'arktype';
import * as v from 'valibot';
import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { Api, type ApiOptions, type FieldValue, type Reading, type StandardSchema } from '../../src/index.js';
import { credentials } from '../support/builders/credentials.js';

const named = new Api({
  ...credentials,
  fields: {
    temperature: 'id-1',
    door: { id: 'id-2', schema: v.boolean() },
    mode: { id: 'id-3', schema: z.enum(['eco', 'boost']) },
    level: { id: 'id-4', schema: type('0 <= number <= 100') },
    plain: { id: 'id-5' },
    rounded: { id: 'id-6', schema: v.pipe(v.string(), v.transform(Number)) },
  },
});

test('names stand for ids in addValue, with values of the right type', () => {
  named.addValue('temperature', 21.5);
  named.addValue('temperature', 'warm');
  named.addValue('door', true);
  named.addValue('mode', 'eco');
  named.addValue('level', 50);
  named.addValue('plain', 'text');
  // The input type of the schema, not its output type.
  named.addValue('rounded', '21.5');

  // @ts-expect-error no such name
  named.addValue('humidity', 1);
  // @ts-expect-error an id is no name
  named.addValue('id-1', 1);
  // @ts-expect-error not what valibot's schema takes
  named.addValue('door', 'open');
  // @ts-expect-error not what zod's schema takes
  named.addValue('mode', 'turbo');
  // @ts-expect-error not what arktype's schema takes
  named.addValue('level', '50');
  // @ts-expect-error what the schema makes, not what it takes
  named.addValue('rounded', 21.5);
  // @ts-expect-error no value of any field
  named.addValue('temperature', null);
  // @ts-expect-error no value of any field
  named.addValue('plain', { a: 1 });
});

test('and in addValues', () => {
  named.addValues({ temperature: 1, door: false });
  named.addValues({});
  // @ts-expect-error no such name
  named.addValues({ temperature: 1, humidity: 1 });
  // @ts-expect-error not what the schema takes
  named.addValues({ door: 1 });
});

test('and in get, where each reading has the type of its field', async () => {
  const [door] = await named.get('door');
  expectTypeOf(door?.field).toEqualTypeOf<'door' | undefined>();
  expectTypeOf(door?.value).toEqualTypeOf<boolean | null | undefined>();
  const several = await named.get(['door', 'mode', 'temperature', 'rounded']);
  for (const reading of several) {
    expectTypeOf(reading.field).toEqualTypeOf<'door' | 'mode' | 'temperature' | 'rounded'>();
    expectTypeOf(reading).toExtend<Reading>();
    if (reading.field === 'mode') expectTypeOf(reading.value).toEqualTypeOf<'eco' | 'boost' | null>();
    if (reading.field === 'temperature') expectTypeOf(reading.value).toEqualTypeOf<FieldValue | null>();
    if (reading.field === 'rounded') expectTypeOf(reading.value).toEqualTypeOf<number | null>();
    // @ts-expect-error not a field that was asked for
    if (reading.field === 'level') return;
  }
  // @ts-expect-error no such name
  await named.get('humidity');
  // @ts-expect-error one of them is no name
  await named.get(['door', 'id-1']);
});

test('without fields every text is an id, and values are of any type', async () => {
  const api = new Api(credentials);
  expectTypeOf(api).toEqualTypeOf<Api>();
  api.addValue('any', 1);
  api.addValues({ any: 1, other: 'text' });
  const values: Record<string, FieldValue> = {};
  api.addValues(values);
  // @ts-expect-error no value of any field
  api.addValue('any', null);
  // @ts-expect-error no value of any field
  api.addValues({ any: undefined });
  expectTypeOf(await api.get('any')).toEqualTypeOf<Reading[]>();
  const ids: readonly string[] = [];
  expectTypeOf(await api.get(ids)).toEqualTypeOf<Reading[]>();
  expectTypeOf(new Api({ ...credentials, fields: undefined })).toEqualTypeOf<Api>();
});

test('fromCredentials knows the names too', () => {
  const api = Api.fromCredentials('id', 'key', { fields: { door: { id: 'id', schema: z.boolean() } } });
  api.addValue('door', true);
  // @ts-expect-error not what the schema takes
  api.addValue('door', 1);
  // @ts-expect-error no such name
  api.addValue('window', true);
  expectTypeOf(Api.fromCredentials('id', 'key')).toEqualTypeOf<Api>();
});

test('fields read from elsewhere have any names', async () => {
  const fields: Record<string, string> = JSON.parse('{}');
  const api = new Api({ ...credentials, fields });
  api.addValue('any', 1);
  expectTypeOf(await api.get('any')).toEqualTypeOf<Reading[]>();
});

test('a value that is not a field is refused', () => {
  // @ts-expect-error no id
  new Api({ ...credentials, fields: { door: {} } });
  // @ts-expect-error no id
  new Api({ ...credentials, fields: { door: 5 } });
  // @ts-expect-error no Standard Schema
  new Api({ ...credentials, fields: { door: { id: 'id', schema: (value: boolean) => value } } });
  // @ts-expect-error makes what no field can hold
  new Api({ ...credentials, fields: { door: { id: 'id', schema: v.date() } } });
  // @ts-expect-error makes what no field can hold
  new Api({ ...credentials, fields: { door: { id: 'id', schema: z.object({}) } } });
});

test('an Api with names is one that takes any Api', () => {
  const use = (api: Pick<Api, 'status' | 'log' | 'push' | 'commit'>): void => void api;
  use(named);
  expectTypeOf<ApiOptions>().toHaveProperty('fields');
});

test("the package's Standard Schema is the specification's", () => {
  expectTypeOf<StandardSchemaV1<string, number>>().toExtend<StandardSchema<string, number>>();
  expectTypeOf<StandardSchemaV1>().toExtend<StandardSchema>();
  expectTypeOf<StandardSchema<string, number>>().toExtend<StandardSchemaV1<string, number>>();
});
