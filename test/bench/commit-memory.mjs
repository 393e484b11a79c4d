import { Api, memoryStorage } from 'nikdev-iot';
import { compare, median, ratioRow, row } from './compare.mjs';
import { commitTwo, credentials } from './data.mjs';

const COMMITS = 200;

/** Committing two values into memory must cost the same however much is queued. */
export async function commitIntoMemory() {
  const commit = (api, entries) => {
    for (let count = 0; count < entries; count++) commitTwo(api, count);
  };
  const side = (depth) => {
    const api = new Api({ ...credentials, storage: memoryStorage() });
    commit(api, depth);
    let added = 0;
    return {
      before() {
        added += COMMITS;
        // A shallow queue is kept shallow; a deep one barely grows.
        if (depth >= COMMITS * 100 || added === COMMITS) return;
        api.resetUnpushedEntries();
        commit(api, depth);
      },
      run: () => commit(api, COMMITS),
    };
  };
  const times = await compare({ rounds: 21, iterations: 40, sides: { shallow: side(10), deep: side(100_000) } });
  const perSecond = Math.round(COMMITS / (median(times.shallow) / 1000));
  return [
    ratioRow('commit into memory: depth 100,000 against depth 10', { most: 1.2 }, times.deep, times.shallow),
    row('commit into memory: two values', `${perSecond.toLocaleString('en')}/s`),
  ];
}
