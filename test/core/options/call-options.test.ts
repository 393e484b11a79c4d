import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ownObject } from '../../../src/core/model/schema.js';
import { checkOptions, count, flag, signal } from '../../../src/core/options/call-options.js';
import { Api, ConfigException, memoryStorage, ValueException } from '../../../src/index.js';
import { credentials } from '../../support/builders/credentials.js';

vi.mock('valibot', async (importOriginal) => {
  const original = await importOriginal<typeof v>();
  return { ...original, safeParse: vi.fn(original.safeParse) };
});

const Schema = ownObject(
  { push: flag, most: count, signal: v.optional(signal) },
  { defaults: { push: false, most: 5 } },
);
const check = (options: unknown) => checkOptions(options, Schema);

describe("a call's options", () => {
  test('are completed from the defaults', () => {
    expect(check({ push: true })).toEqual({ push: true, most: 5, signal: undefined });
  });

  test.each<[string, unknown, string]>([
    ['null', null, 'the options must be an object, got null'],
    ['an array', [], 'the options must be an object, got an array'],
    ['a Date', new Date(0), 'the options must be an object, got a Date'],
    ['an unknown one', { pull: true }, '"pull" is not an option; there is push, most, signal'],
    ['a name of Object.prototype', { toString: 1 }, '"toString" is not an option; there is push, most, signal'],
    ['an unknown one beside a wrong one', { push: 1, pull: true }, '"pull" is not an option; there is push'],
    ['two wrong ones', { most: 0, push: 1 }, 'push must be true or false, got 1'],
    ['null for one', { most: null }, 'most must be a whole number from 1, got null'],
  ])('are refused: %s', (_, options, message) => {
    expect(() => check(options)).toThrow(ConfigException);
    expect(() => check(options)).toThrow(message);
  });

  test.each([{ push: undefined }, { pull: undefined }, Object.create(null)])(
    'are as if absent where they are undefined: %o',
    (options) => {
      expect(check(options)).toEqual({ push: false, most: 5, signal: undefined });
    },
  );

  test('are read once each', () => {
    const get = vi.fn(() => 7);
    expect(check(Object.defineProperty({}, 'most', { get, enumerable: true }))).toMatchObject({ most: 7 });
    expect(get).toHaveBeenCalledTimes(1);
  });

  test.each(['inherited', 'not enumerable'])('are not taken where they are %s', (kind) => {
    const options =
      kind === 'inherited'
        ? Object.create({ most: 7 })
        : Object.defineProperty({}, 'most', { value: 7, enumerable: false });
    if (kind === 'inherited') expect(() => check(options)).toThrow('the options must be an object');
    else expect(check(options)).toMatchObject({ most: 5 });
  });
});

describe('no schema runs', () => {
  let api: Api;

  beforeEach(() => {
    api = new Api({ ...credentials, storage: memoryStorage(), fields: { a: 'A' } });
    vi.mocked(v.safeParse).mockClear();
  });

  afterEach(() => api.close());

  test('when a value is staged or an entry is committed', () => {
    api.addValue('a', 1);
    api.addValues({ a: 2 });
    api.commit();
    api.addValue('a', 3);
    api.commit({ timestamp: 1_700_000_000 });
    expect(() => api.addValue('a', Number.NaN)).toThrow(ValueException);
    expect(vi.mocked(v.safeParse)).not.toHaveBeenCalled();
  });

  test('but to name what is wrong with the options of a commit', () => {
    api.addValue('a', 1);
    expect(() => api.commit({ time: 5 } as object)).toThrow('"time" is not an option; there is timestamp');
    expect(() => api.commit(5 as unknown as object)).toThrow('the options must be an object, got 5');
    expect(api.status()).toMatchObject({ staged: 1, committed: 0 });
    expect(vi.mocked(v.safeParse)).toHaveBeenCalledTimes(2);
  });
});
