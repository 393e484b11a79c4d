import ky from 'ky';
import { Api, memoryStorage } from 'nikdev-iot';
import { compare, median, ratioRow, row } from './compare.mjs';
import { commitTwo, credentials, textOf } from './data.mjs';
import { startServer } from './start-server.mjs';

const BATCHES = 10;
const BATCH = 1000;

/** Pushing 10,000 entries, 1000 a request, against the same requests made by hand. */
export async function push() {
  const server = await startServer();
  try {
    return await measure(server.url);
  } finally {
    server.stop();
  }
}

async function measure(baseUrl) {
  const api = new Api({ ...credentials, baseUrl, storage: memoryStorage() });
  // The garbage of filling is not the push's: it is collected before the clock starts.
  const collect = () => globalThis.gc();
  const fill = () => {
    for (let count = 0; count < BATCHES * BATCH; count++) commitTwo(api, count, { timestamp: 1_700_000_000 });
    collect();
  };
  fill();
  const texts = api.log().map(textOf);
  api.resetUnpushedEntries();

  const bodyOf = (batch) => {
    const entries = texts
      .slice(batch * BATCH, (batch + 1) * BATCH)
      .map((text) => `{"timestamp":1700000000,"values":${text}}`);
    return `{"clientTimestamp":${Math.floor(Date.now() / 1000)},"entries":[${entries.join(',')}]}`;
  };
  const bodies = Array.from({ length: BATCHES }, (_, batch) => bodyOf(batch));
  const url = `${baseUrl}entries/`;
  const options = {
    method: 'POST',
    headers: {
      'x-device-id': credentials.deviceId,
      'x-api-key': credentials.apiKey,
      'content-type': 'application/json',
    },
    redirect: 'manual',
  };

  const times = await compare({
    rounds: 21,
    iterations: 5,
    sides: {
      ours: { before: fill, run: () => api.push() },
      ky: {
        before: collect,
        async run() {
          for (const body of bodies) {
            const { signal } = new AbortController();
            await ky(url, { ...options, body, signal, retry: 0, throwHttpErrors: false, timeout: false }).text();
          }
        },
      },
      fetch: {
        before: collect,
        async run() {
          for (let batch = 0; batch < BATCHES; batch++) {
            const response = await fetch(url, { ...options, body: bodyOf(batch) });
            await response.text();
          }
        },
      },
    },
  });
  const perSecond = Math.round((BATCHES * BATCH) / (median(times.ours) / 1000));
  // Speeds, so the other's time stands above ours.
  return [
    ratioRow('push: speed against ky, same options and bodies', { least: 0.9 }, times.ky, times.ours),
    ratioRow('push: speed against bare fetch, bodies joined', { least: 0.85 }, times.fetch, times.ours),
    row('push: entries of two values, 1000 a request', `${perSecond.toLocaleString('en')}/s`),
  ];
}
