import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median, ratioRow } from '../compare.mjs';
import { inFreshProcess } from '../in-fresh-process.mjs';
import { RECORDS, SLICE } from './measure.mjs';

// Beside other clients: both sides in fresh processes alternately, the server in another. The goals are ratios of one run,
// medians with their lowest and highest round; beside them stand each side's own medians.
const ROUNDS = Number(process.argv[2] ?? 15);

const server = fork(pathOf('server'));
const said = () => new Promise((resolve) => server.once('message', resolve));
const url = `http://127.0.0.1:${await said()}/`;

const enqueued = await measureAll('enqueue', ['ours-fetch', 'influx']);
const waited = await measureAll('waited', ['ours-fetch', 'ours-http', 'influx', 'fetch']);
const free = await measureAll('free', ['ours-http', 'influx']);
server.disconnect();

const rows = [
  speed('commit of two values into memory: speed of writePoint', 1.1, enqueued, ['ours-fetch', 'influx']),
  speed('each 1000 waited for, httpFetch: speed of influx', 1, waited, ['ours-http', 'influx']),
  memory('each 1000 waited for, httpFetch: peak memory of influx', waited),
  speed('each 1000 sent automatically, httpFetch: speed of influx', 1, free, ['ours-http', 'influx']),
  memory('each 1000 sent automatically, httpFetch: peak memory of influx', free),
  speed("each 1000 waited for, the platform's fetch: speed of bare fetch", 0.85, waited, ['ours-fetch', 'fetch']),
];
if (process.send) process.send(rows);
else console.table(rows);

/** @returns By side: what each round measured. */
async function measureAll(way, sides) {
  const results = Object.fromEntries(sides.map((side) => [side, []]));
  // The first round warms up and is not counted.
  for (let round = -1; round < ROUNDS; round++) {
    for (const side of sides) {
      const result = await inFreshProcess(pathOf(side), [way, url]);
      if (way !== 'enqueue') await checkDelivered(side);
      if (round >= 0) results[side].push(result);
    }
  }
  return results;
}

/** A side that delivered less, or more in one request, is not to be compared. The slice that warms up counts too. */
async function checkDelivered(side) {
  const counted = said();
  server.send('count');
  const { requests, records } = await counted;
  if (records !== RECORDS + SLICE) throw new Error(`${side} delivered ${records} of ${RECORDS + SLICE} records`);
  if (requests < records / SLICE) throw new Error(`${side} sent more than ${SLICE} records at once`);
}

function speed(what, least, results, [ours, theirs]) {
  const times = (side) => results[side].map(({ milliseconds }) => milliseconds);
  const figure = (side) => `${Math.round(RECORDS / median(times(side)))}k/s`;
  return { ...ratioRow(what, { least }, times(theirs), times(ours)), ours: figure(ours), peer: figure(theirs) };
}

function memory(what, results) {
  const bytes = (side) => results[side].map((result) => result.bytes);
  const figure = (side) => `${Math.round(median(bytes(side)) / 1e6)} MB`;
  const peak = ratioRow(what, { most: 1.2 }, bytes('ours-http'), bytes('influx'));
  return { ...peak, ours: figure('ours-http'), peer: figure('influx') };
}

function pathOf(name) {
  return fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
}
