import { Api, memoryStorage } from '../../../dist/index.js';
import { commitTwo, credentials } from '../data.mjs';
import { measure, SLICE } from './measure.mjs';

/** @param options - Of the `Api` to measure, beyond its address and its storage. */
export async function measureOurs(options = {}) {
  const open = (url, more) =>
    new Api({ ...credentials, baseUrl: `${url}api/v1/`, storage: memoryStorage(), ...options, ...more });

  await measure({
    enqueue(url) {
      const api = open(url);
      return { write: (count) => commitTwo(api, count) };
    },
    waited(url) {
      const api = open(url);
      return { write: (count) => commitTwo(api, count), delivered: () => api.push() };
    },
    free(url) {
      const api = open(url, { autoPush: { atEntries: SLICE, everySeconds: 60 } });
      // Joins the push under way, and waits for all that was committed.
      return { write: (count) => commitTwo(api, count), delivered: () => api.push() };
    },
  });
}
