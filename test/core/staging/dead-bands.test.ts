import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Ports } from '../../../src/client.js';
import { createEmulator } from '../../../src/emulator.js';
import { Api, type ApiOptions, type FieldDefinitions, type FieldValue } from '../../../src/index.js';
import { API_KEY, credentials, DEVICE_ID } from '../../support/builders/credentials.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

/** An `Api` with these fields, that is closed when the test ends. */
function openApi(options: Partial<ApiOptions<FieldDefinitions>>, ports: Partial<Ports> = {}): Api<FieldDefinitions> {
  const api = new Api<FieldDefinitions>({ ...credentials, ...options }, ports);
  onTestFinished(() => api.close());
  return api;
}

type Step =
  | { readonly add: FieldValue }
  | { readonly commit: true }
  | { readonly wait: number }
  | { readonly discard: true };

const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -8, max: 8 }).map((steps) => steps / 4) },
  { weight: 1, arbitrary: fc.constantFrom<FieldValue>('on', 'off', true, false, '0', -0) },
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: value.map((add) => ({ add })) },
    { weight: 4, arbitrary: fc.constant({ commit: true } as const) },
    { weight: 2, arbitrary: fc.constantFrom(1, 9, 10, 11).map((wait) => ({ wait })) },
    { weight: 1, arbitrary: fc.constant({ discard: true } as const) },
  ),
  { maxLength: 40 },
);

/** The required result of each commit, by an independent model: the value is committed or suppressed. */
class Model {
  staged: FieldValue | undefined;
  last: { readonly value: FieldValue; readonly at: number } | undefined;
  readonly committed: FieldValue[] = [];
  suppressed = 0;

  readonly deadband: number;
  readonly beat: number;

  constructor(deadband: number, beat: number) {
    this.deadband = deadband;
    this.beat = beat;
  }

  commit(now: number): FieldValue | undefined {
    const { staged, last } = this;
    if (staged === undefined) return undefined;
    this.staged = undefined;
    const isSame = staged === last?.value;
    const isNear =
      typeof staged === 'number' && typeof last?.value === 'number' && distance(staged, last.value) <= this.deadband;
    if (last !== undefined && (isSame || isNear) && now - last.at < this.beat) {
      this.suppressed += 1;
      return undefined;
    }
    this.last = { value: staged, at: now };
    this.committed.push(staged);
    return staged;
  }
}

const distance = (one: number, other: number): number => (one > other ? one - other : other - one);

describe('a dead band', () => {
  test('never hides a change above it or a heartbeat that is due, and never commits an overwritten value', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.constantFrom(0, 0.25, 1),
        fc.constantFrom(undefined, 10),
        async (steps, deadband, atLeastEverySeconds) => {
          const clock = new FakeClock();
          const fields = { t: { id: 'field', deadband, atLeastEverySeconds } };
          const api = openApi({ fields, maxQueuedEntries: 1, overflow: 'drop-oldest' }, { clock });
          const model = new Model(deadband, atLeastEverySeconds ?? Infinity);
          let now = 0;
          let isQueued = false;
          for (const step of steps) {
            if ('add' in step) {
              api.addValue('t', step.add);
              model.staged = step.add === 0 ? 0 : step.add;
            } else if ('wait' in step) {
              now += step.wait;
              await clock.advance(step.wait * 1000);
            } else if ('discard' in step) {
              api.resetUnpushedEntries();
              if (isQueued) model.last = undefined;
              isQueued = false;
            } else {
              const wanted = model.commit(now);
              // A second entry drops the first, after which the next value is committed: but that is the dropping one.
              const entry = api.commit();
              expect(entry?.values.map(({ value }) => value)).toEqual(wanted === undefined ? undefined : [wanted]);
              isQueued ||= entry !== undefined;
            }
          }
          expect(api.status()).toMatchObject({
            suppressed: model.suppressed,
            staged: model.staged === undefined ? 0 : 1,
          });
          await api.close();
        },
      ),
      { numRuns: 200 },
    );
  });

  test('leaves out single values of a commit, in the order of the others', () => {
    const fields = { a: { id: 'a', deadband: 1 }, b: 'b', c: { id: 'c', deadband: 0 } };
    const api = openApi({ fields });
    api.addValues({ a: 1, b: 1, c: 'on' });
    api.commit();
    api.addValues({ a: 2, b: 1, c: 'on' });
    expect(api.commit()?.values).toEqual([{ fieldId: 'b', value: 1 }]);
    api.addValues({ a: 2.5, b: 1, c: 'off' });
    expect(api.commit()?.values.map(({ fieldId }) => fieldId)).toEqual(['a', 'b', 'c']);
    expect(api.status()).toMatchObject({ suppressed: 2, committed: 3, staged: 0 });
  });

  test('where nothing is left, a commit is undefined, and the values are not staged any more', async () => {
    const api = openApi({ fields: { t: { id: 't', deadband: 0.2 } } });
    api.addValue('t', 20);
    api.commit();
    api.addValue('t', 20.1);
    expect(api.commit()).toBeUndefined();
    expect(api.status()).toMatchObject({ staged: 0, committed: 1, suppressed: 1 });
    // It counts from the last value that was committed: a slow drift is not hidden.
    api.addValue('t', 20.25);
    expect(api.commit()).toBeDefined();
  });

  test('is notified to subscribers of the status', async () => {
    const api = openApi({ fields: { t: { id: 't', deadband: 0 } } });
    api.addValue('t', 1);
    api.commit();
    await Promise.resolve();
    const seen: number[] = [];
    api.subscribe(() => seen.push(api.status().suppressed));
    api.addValue('t', 1);
    api.commit();
    await Promise.resolve();
    await Promise.resolve();
    expect(seen.at(-1)).toBe(1);
  });

  test('a commit that cannot be saved suppresses nothing, and leaves all staged', () => {
    const fields = { a: { id: 'a', deadband: 1 }, b: 'b' };
    const api = openApi({ fields, maxQueuedEntries: 1 });
    api.addValue('a', 1);
    api.commit();
    api.addValues({ a: 1, b: 1 });
    expect(() => api.commit()).toThrow('maxQueuedEntries');
    expect(api.status()).toMatchObject({ staged: 2, suppressed: 0 });
  });

  test('the next value after an entry of its field was discarded is committed, however near', async () => {
    const emulator = createEmulator({
      devices: [{ deviceId: DEVICE_ID, apiKeys: [{ key: API_KEY, read: true, write: true }] }],
    });
    const fields = { a: { id: 'a', deadband: 1 }, b: { id: 'b', deadband: 1 } };
    const api = openApi({ fields, fetch: emulator.fetch });
    api.addValue('b', 1);
    await api.commitAndPush();
    api.addValue('a', 1);
    api.commit();
    emulator.script({ status: 401 }, { status: 401 });
    await api.push().catch(() => {});
    api.addValues({ a: 1, b: 1 });
    expect(api.commit()?.values).toEqual([{ fieldId: 'a', value: 1 }]);
  });

  test('the first value of a run is always committed', async () => {
    const fields = { t: { id: 't', deadband: 1 } };
    for (let run = 0; run < 2; run++) {
      const api = openApi({ fields });
      api.addValue('t', 1);
      expect(api.commit()).toBeDefined();
      await api.close();
    }
  });

  test('without one, equal values are committed each time', () => {
    const api = openApi({ fields: { t: 't' } });
    for (let time = 0; time < 2; time++) {
      api.addValue('t', 1);
      expect(api.commit()).toBeDefined();
    }
    expect(api.status().suppressed).toBe(0);
  });

  test.each([
    [{ deadband: -1 }, 'have a deadband from 0, got -1'],
    [{ deadband: Number.NaN }, 'have a deadband from 0, got NaN'],
    [{ deadband: Infinity }, 'have a deadband from 0, got Infinity'],
    [{ deadband: '1' }, 'have a deadband from 0, got "1"'],
    [{ deadband: 1, atLeastEverySeconds: 0 }, 'have an atLeastEverySeconds above 0, got 0'],
    [
      { deadband: 1, atLeastEvery: 5 },
      'be a field id or { id, schema?, deadband?, atLeastEverySeconds? }, got "atLeastEvery" in it',
    ],
  ])('is refused by name: %o', (band, message) => {
    const fields = { t: { id: 't', ...band } } as never;
    expect(() => openApi({ fields })).toThrow(`fields["t"] must ${message}`);
  });
});
