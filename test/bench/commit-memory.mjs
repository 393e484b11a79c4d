import { Api, memoryStorage } from 'nikdev-iot';
import { compare, median, ratio, row } from './compare.mjs';
import { credentials, fieldIds } from './data.mjs';

const COMMITS = 200;

/** Committing two values into memory must cost the same however much is queued. */
export async function commitIntoMemory() {
  const commit = (api, count) => {
    for (let index = 0; index < count; index++) {
      api.addValue(fieldIds[0], index + 0.5);
      api.addValue(fieldIds[1], 'on');
      api.commit();
    }
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
  const perSecond = COMMITS / (median(times.shallow) / 1000);
  return [
    row(
      'commit into memory: depth 100,000 against depth 10',
      '≤ 1.20×',
      (x) => x <= 1.2,
      ratio(times.deep, times.shallow),
    ),
    {
      what: 'commit into memory: two values',
      goal: '',
      figure: `${Math.round(perSecond).toLocaleString('en')}/s`,
      reached: '',
    },
  ];
}
