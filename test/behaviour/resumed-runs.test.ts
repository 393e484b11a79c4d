import { describe, expect, onTestFinished, test } from 'vitest';
import { type Adoption, Api, memoryStorage, type StorageAdapter } from '../../src/index.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { credentials } from '../support/builders/credentials.js';
import { FakeClock } from '../support/fakes/fake-clock.js';

/** A storage that adds to what a run adopts. */
function storageWith(extra: (adoption: Adoption) => Partial<Adoption>): StorageAdapter {
  const storage = memoryStorage();
  return {
    ...storage,
    open(...args) {
      const writer = storage.open(...args);
      const adopt = writer.adopt.bind(writer);
      return Object.assign(writer, {
        async adopt(...options: Parameters<typeof adopt>) {
          const adoption = await adopt(...options);
          return { ...adoption, ...extra(adoption) };
        },
      });
    },
  };
}

async function afterRun(storage: StorageAdapter, values: readonly number[]): Promise<void> {
  const run = openApi({ storage });
  commitEach(run, ...values);
  await run.close();
}

describe('a storage whose runs act as one', () => {
  test('has live entries among those adopted, until liveSeconds after their commit', async () => {
    const storage = storageWith(({ entries }) => ({ live: entries.slice(1).map((entry) => [entry, 50]) }));
    await afterRun(storage, [1, 2, 3]);
    const clock = new FakeClock();
    const api = openApi({ storage, order: 'live-first' }, { clock });
    await api.ready;
    expect(api.status()).toMatchObject({ backlog: 1, live: 2 });
    await clock.advance(10_000);
    expect(api.status()).toMatchObject({ backlog: 3, live: 0 });
  });

  test('has no live entries with another order', async () => {
    const storage = storageWith(({ entries }) => ({ live: entries.map((entry) => [entry, 0]) }));
    await afterRun(storage, [1, 2]);
    const api = openApi({ storage });
    await api.ready;
    expect(api.status()).toMatchObject({ backlog: 2, live: 0 });
  });

  test('goes on with the dead band of the last committed value', async () => {
    const clock = new FakeClock();
    const storage = storageWith(() => ({ lastValues: [{ fieldId: 'temperature', value: 20, secondsAgo: 590 }] }));
    const fields = { t: { id: 'temperature', deadband: 1, atLeastEverySeconds: 600 } };
    const api = new Api({ ...credentials, storage, fields }, { clock });
    onTestFinished(() => api.close());
    await api.ready;
    const commits = (value: number) => {
      api.addValue('t', value);
      return api.commit()?.values;
    };
    expect(commits(20.5)).toBeUndefined();
    await clock.advance(10_000);
    expect(commits(20.5)).toEqual([{ fieldId: 'temperature', value: 20.5 }]);
  });
});
