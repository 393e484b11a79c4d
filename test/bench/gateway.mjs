import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { createGateway, initGateway } from 'nikdev-iot/gateway';
import { row, usedHeap } from './compare.mjs';
import { inFolder } from './data.mjs';
import { startNatsServers } from './nats-servers.mjs';

const DEVICES = 256;
const MANY_DEVICES = 10_000;
const IN_FLIGHT = [1, 16, 64];
const ENTRIES = [1, 100, 1000];
/** Bytes of the bare stream: as much as the uploads of one measurement. */
const MAX_BYTES = 1_000_000_000;
/** Of each measurement, in milliseconds. */
const DURATION = 3000;
/** Of a measurement of forwarding, in milliseconds. */
const MAX_FORWARDING = 15_000;
const WARM_UP = 10_000;
const SLICES = 6;
const PARTITIONS = 64;
/** The least ratio to a bare publish. */
const GOALS = { 1: 0.7, 100: 0.7, 1000: 0.4 };
const secret = randomBytes(32).toString('base64');

/**
 * A gateway on three NATS servers of this machine: uploads accepted and forwarded, beside a bare publish of the same bytes. All clients
 * are connected to one server, which leads both streams: another leader changes a rate by a factor of 1.4.
 */
export const gateway = () => inFolder(measureAll);

async function measureAll(folder) {
  const { servers, stop } = await startNatsServers(folder);
  const nats = { servers: servers.slice(0, 1) };
  try {
    await initGateway({ nats, partitions: PARTITIONS, maxBytes: MAX_BYTES, maxMessagesPerDevice: 1_000_000 });
    await addBareStream(nats);
    const rows = [];
    // A gateway runs for days: its first seconds, before its code is compiled, do not count.
    await warmUp(nats);
    for (const entries of ENTRIES)
      for (const inFlight of IN_FLIGHT) rows.push(...(await measure(nats, entries, inFlight)));
    return [...rows, ...(await measureMemory(nats))];
  } finally {
    await stop();
  }
}

const deviceOf = (number) => `11111111-1111-4111-8111-${String(number).padStart(12, '0')}`;

/** Upstream answers at once: what is measured is the gateway. */
const upstream = async () => new Response('{"data":{}}', { headers: { 'content-type': 'application/json' } });
const open = async (nats, worker) => {
  const opened = createGateway({ nats, secret, worker, fetch: upstream, upstream: 'https://upstream.example/api/v1/' });
  await opened.ready;
  return opened;
};

let sequence = 0;

function bodyOf(entries) {
  const now = Math.floor(Date.now() / 1000);
  const values = [{ '0a1b2c3d-0000-4000-8000-000000000001': 21.5 }, { '0a1b2c3d-0000-4000-8000-000000000002': 'on' }];
  return JSON.stringify({
    clientTimestamp: now,
    entries: Array.from({ length: entries }, () => ({ timestamp: now, values })),
  });
}

/** Headers of an upload whose entries have new names. */
function headersOf(device, entries) {
  const first = sequence + 1;
  sequence += entries;
  return {
    'x-device-id': deviceOf(device),
    'x-api-key': '22222222-2222-4222-8222-222222222222',
    'x-entry-ids': entries === 1 ? `bench/${first}` : `bench/${first}-${sequence}`,
  };
}

/** Passes an upload to the handler of a gateway that `nikdev-iot gateway run` serves with `node:http`. */
async function accept(accepting, device, bytes, entries) {
  const headers = headersOf(device, entries);
  const header = (name) => headers[name];
  check(await accepting.answer({ method: 'POST', path: '/api/v1/entries/', header, body: () => bytes }));
}

/** Passes an upload to the handler of other servers, which takes a `Request` and returns a `Response`. */
async function post(accepting, device, body, entries) {
  const headers = headersOf(device, entries);
  check(await accepting.fetch(new Request('http://127.0.0.1/api/v1/entries/', { method: 'POST', body, headers })));
}

function check({ status, statusText }) {
  if (status !== 202) throw new Error(`${status} ${statusText ?? ''}`);
}

/** Calls a function as often as it goes, so many at a time. @returns The calls a second, and the durations in milliseconds. */
async function hammer(inFlight, duration, run) {
  const durations = [];
  const started = performance.now();
  const end = started + duration;
  const work = async (line) => {
    for (let call = 0; performance.now() < end; call++) {
      const before = performance.now();
      await run((line + call * inFlight) % DEVICES);
      durations.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, line) => work(line)));
  return { calls: durations.length, milliseconds: performance.now() - started, durations };
}

async function warmUp(nats) {
  const front = await open(nats, false);
  const body = bodyOf(1);
  for (let device = 0; device < DEVICES; device++) await post(front, device, body, 1);
  const bytes = new TextEncoder().encode(body);
  await hammer(64, WARM_UP, (device) => accept(front, device, bytes, 1));
  await hammer(64, WARM_UP / 2, (device) => post(front, device, body, 1));
  await front.close();
  const connection = await connect(nats);
  await (await jetstreamManager(connection)).streams.purge('NIKDEV');
  await connection.close();
}

async function addBareStream(nats) {
  const connection = await connect(nats);
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'BARE', subjects: ['bare.*'], num_replicas: 3, max_bytes: MAX_BYTES });
  for (const stream of ['NIKDEV', 'BARE']) await moveLeader(connection, manager, stream);
  await connection.close();
}

/** Lets the leader of a stream step down until it is the server of the connection. */
async function moveLeader(connection, manager, stream) {
  for (let attempt = 0; attempt < 50; attempt++) {
    const { cluster } = await manager.streams.info(stream);
    if (cluster.leader === connection.info.server_name) return;
    await connection.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`);
    // An election takes less; meanwhile the stream has no leader.
    await setTimeout(1000);
  }
  throw new Error(`${stream} has another leader than the server of the clients`);
}

/** All sides alternately, in slices, so that a machine whose speed drifts drifts for all. */
async function measure(nats, entries, inFlight) {
  const connection = await connect(nats);
  const [js, jsm] = [jetstream(connection), await jetstreamManager(connection)];
  const front = await open(nats, false);
  const body = bodyOf(entries);
  const payload = new TextEncoder().encode(body);
  const bare = (device) => js.publish(`bare.${device}`, payload, { msgID: `b${sequence++}`, timeout: 10_000 });
  // The first uploads verify the keys.
  for (let device = 0; device < DEVICES; device++) await post(front, device, bodyOf(1), 1);
  await jsm.streams.purge('NIKDEV');
  const sides = [
    bare,
    (device) => accept(front, device, payload, entries),
    (device) => post(front, device, body, entries),
  ];
  const slices = sides.map(() => []);
  for (let slice = 0; slice < SLICES; slice++)
    for (const [index, side] of sides.entries()) slices[index].push(await hammer(inFlight, DURATION / SLICES, side));
  await front.close();
  await jsm.streams.purge('BARE');
  const [theirs, ours, fetched] = slices;
  const forwarded = await measureForwarding(nats, jsm);
  await connection.close();
  const rates = { bare: rateOf(theirs), accepted: rateOf(ours), fetched: rateOf(fetched), forwarded };
  return rowsOf(entries, inFlight, rates, ours);
}

const rateOf = (slices) =>
  (1000 * slices.reduce((sum, { calls }) => sum + calls, 0)) /
  slices.reduce((sum, { milliseconds }) => sum + milliseconds, 0);

/** @returns Messages a second that a worker forwards out of a full queue, which is empty afterwards. */
async function measureForwarding(nats, jsm) {
  const depth = async () => (await jsm.streams.info('NIKDEV')).state.messages;
  const [before, started] = [await depth(), performance.now()];
  const end = started + MAX_FORWARDING;
  const working = await open(nats, true);
  let left = before;
  while (left > 0 && performance.now() < end) {
    await setTimeout(20);
    left = await depth();
  }
  const seconds = (performance.now() - started) / 1000;
  await working.close();
  await jsm.streams.purge('NIKDEV');
  return (before - left) / seconds;
}

function rowsOf(entries, inFlight, { bare, accepted, fetched, forwarded }, ours) {
  const what = `gateway: uploads of ${entries} entries, ${inFlight} in flight`;
  const compared = (name, ratio) =>
    row(`${what}, ${name}`, `${ratio.toFixed(2)}×`, `≥ ${GOALS[entries]}×`, ratio >= GOALS[entries]);
  const durations = ours.flatMap((slice) => slice.durations).sort((one, other) => one - other);
  const percentile = (share) => durations[Math.floor(durations.length * share)].toFixed(1);
  return [
    compared('to a bare publish', accepted / bare),
    compared('with Request and Response, to a bare publish', fetched / bare),
    row(`${what}, entries a second accepted`, (accepted * entries).toFixed(0)),
    row(`${what}, entries a second of a bare publish`, (bare * entries).toFixed(0)),
    row(`${what}, entries a second forwarded`, (forwarded * entries).toFixed(0)),
    row(`${what}, 202 after`, `p50 ${percentile(0.5)} ms, p99 ${percentile(0.99)} ms`),
  ];
}

/** The heap of a gateway that has seen many devices. */
async function measureMemory(nats) {
  const working = await open(nats, true);
  const body = bodyOf(1);
  await post(working, 0, body, 1);
  const before = await usedHeap();
  for (let device = 1; device <= MANY_DEVICES; device += 100)
    await Promise.all(Array.from({ length: 100 }, (_, more) => post(working, device + more, body, 1)));
  const megabytes = ((await usedHeap()) - before) / 1e6;
  await working.close();
  return [row(`gateway: ${MANY_DEVICES} devices, heapUsed`, `${megabytes.toFixed(0)} MB`)];
}
