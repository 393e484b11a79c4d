import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median, ratioRow } from '../compare.mjs';
import { RECORDS, SLICE } from './measure.mjs';

// Beside other clients: both sides in fresh processes by turns, the server in another. The goals are ratios of one run,
// medians with their lowest and highest round; beside them stand each side's own medians.
const ROUNDS = Number(process.argv[2] ?? 15);

const server = fork(pathOf('server'));
const said = () => new Promise((resolve) => server.once('message', resolve));
const url = `http://127.0.0.1:${await said()}/`;

const enqueued = await measureAll('enqueue', ['ours', 'influx']);
const waited = await measureAll('waited', ['ours', 'influx', 'fetch']);
const free = await measureAll('free', ['ours', 'influx']);
server.disconnect();

const rows = [
  speed('commit of two values into memory, writePoint of as many', 1, enqueued),
  speed('end to end, each 1000 waited for: speed', 1.5, waited),
  memory('end to end, each 1000 waited for: peak memory (RSS)', waited),
  speed('end to end, each 1000 sent by themselves: speed', 1.5, free),
  memory('end to end, each 1000 sent by themselves: peak memory (RSS)', free),
];
if (process.send) process.send(rows);
else console.table(rows);

/** @returns By side: what each round measured. */
async function measureAll(way, sides) {
  const results = Object.fromEntries(sides.map((side) => [side, []]));
  // The first round warms up and is not counted.
  for (let round = -1; round < ROUNDS; round++) {
    for (const side of sides) {
      const result = await inFreshProcess(side, way);
      if (way !== 'enqueue') await checkDelivered(side);
      if (round >= 0) results[side].push(result);
    }
  }
  return results;
}

async function inFreshProcess(side, way) {
  const child = fork(pathOf(side), [way, url]);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const result = await Promise.race([new Promise((resolve) => child.once('message', resolve)), ended]);
  if (typeof result !== 'object') throw new Error(`${side} ended with ${result} and measured nothing`);
  child.kill();
  await ended;
  return result;
}

/** What delivered less, or more at once, is not to be compared. The slice that warms up counts too. */
async function checkDelivered(side) {
  const told = said();
  server.send('count');
  const { requests, records } = await told;
  if (records !== RECORDS + SLICE) throw new Error(`${side} delivered ${records} of ${RECORDS + SLICE} records`);
  if (requests < records / SLICE) throw new Error(`${side} sent more than ${SLICE} records at once`);
}

function speed(what, least, results) {
  const times = (side) => results[side].map(({ milliseconds }) => milliseconds);
  const figure = (side) => `${Math.round(RECORDS / median(times(side)))}k/s`;
  return { ...ratioRow(what, { least }, times('influx'), times('ours')), ...eachOf(results, figure) };
}

function memory(what, results) {
  const bytes = (side) => results[side].map((result) => result.bytes);
  const figure = (side) => `${Math.round(median(bytes(side)) / 1e6)} MB`;
  return { ...ratioRow(what, { most: 1 }, bytes('ours'), bytes('influx')), ...eachOf(results, figure) };
}

function eachOf(results, figure) {
  return Object.fromEntries(Object.keys(results).map((side) => [side === 'fetch' ? 'bare fetch' : side, figure(side)]));
}

function pathOf(name) {
  return fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
}
