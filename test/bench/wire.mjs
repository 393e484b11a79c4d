import { Api, gzip, memoryStorage } from '../../dist/index.js';
import { row } from './compare.mjs';
import { credentials, fieldIds } from './data.mjs';

const DAY_SECONDS = 86_400;
const EVERY_SECONDS = 60;

/** A day of two slowly moving, noisy values a second, pushed each minute. @returns The bytes of all bodies, and the requests. */
async function bytesOfADay({ deadband, ...options }) {
  let bytes = 0;
  let requests = 0;
  const fetch = async (_url, { body }) => {
    bytes += Buffer.byteLength(body);
    requests += 1;
    return new Response('{"data":{}}');
  };
  const fields = {
    temperature: deadband ? { id: fieldIds[0], deadband: 0.2 } : fieldIds[0],
    humidity: deadband ? { id: fieldIds[1], deadband: 0.5 } : fieldIds[1],
  };
  const api = new Api({ ...credentials, ...options, fields, fetch, storage: memoryStorage() });
  const start = 1_795_000_000;
  let seed = 1;
  const noise = () => {
    seed = (seed * 48_271) % 0x7fffffff;
    return seed / 0x7fffffff - 0.5;
  };
  for (let second = 0; second < DAY_SECONDS; second++) {
    const angle = (2 * Math.PI * second) / DAY_SECONDS;
    api.addValue('temperature', Number((20 + 4 * Math.sin(angle) + 0.1 * noise()).toFixed(2)));
    api.addValue('humidity', Number((50 - 9 * Math.sin(angle) + 0.3 * noise()).toFixed(2)));
    api.commit({ timestamp: start + second });
    if (second % EVERY_SECONDS === 0) await api.push();
  }
  await api.push();
  await api.close();
  return { bytes, requests };
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`;

/** Bytes on the wire for a day of two values a second: plain, with gzip, with a dead band of 1 %, with both; CPU of gzip. */
export async function wire() {
  const plain = await bytesOfADay({});
  const variants = {
    gzip: await bytesOfADay({ compression: gzip() }),
    'dead band 1 %': await bytesOfADay({ deadband: true }),
    'gzip and dead band 1 %': await bytesOfADay({ compression: gzip(), deadband: true }),
  };
  return [
    row('wire, a day: plain', megabytes(plain.bytes), '', true),
    ...Object.entries(variants).map(([name, { bytes }]) =>
      row(`wire, a day: ${name}`, megabytes(bytes), '< plain', bytes < plain.bytes),
    ),
    row('gzip: CPU per 1,000 entries', `${(await cpuOfGzip()).toFixed(1)} ms`, '', true),
  ];
}

/** The CPU time, of all threads, that the shipped compression takes for a body of 1,000 entries. */
async function cpuOfGzip() {
  const entries = Array.from({ length: 1000 }, (_, index) => ({
    timestamp: 1_795_000_000 + index,
    values: [{ [fieldIds[0]]: 20 + Math.round(100 * Math.sin(index)) / 100 }, { [fieldIds[1]]: 50 + (index % 7) / 10 }],
  }));
  const body = JSON.stringify({ clientTimestamp: 1_795_001_000, entries });
  const compressor = gzip().open({
    add({ message }) {
      throw new Error(message);
    },
  });
  const compress = () => compressor.post(body, async () => ({ kind: 'stored' }));
  const times = (count) => Array.from({ length: count });
  // The first ones compile the code.
  for (const _ of times(20)) await compress();
  const started = process.cpuUsage();
  for (const _ of times(200)) await compress();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000 / 200;
}
