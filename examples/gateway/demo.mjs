import { parseArgs } from 'node:util';
import { Cluster } from './cluster.mjs';
import { compare, describe } from './compare.mjs';
import { Fleet, makeCredentials } from './fleet.mjs';
import { startGateways } from './gateways.mjs';
import { findNatsServer, startNats } from './nats.mjs';
import { servePage } from './page.mjs';
import { Processes } from './processes.mjs';
import { runRound } from './round.mjs';
import { State } from './state.mjs';
import { startUpstream } from './upstream.mjs';

const USAGE = `usage: npm run demo:gateway -- [--port <port>] [--once]

  --port <port>  where the page is on 127.0.0.1; without it, any port that is free
  --once         one round of failures, within 60 s, instead of rounds until Ctrl+C`;
const DEVICES = 200;
/** The processes have the rest of the 60 s to end. */
const ONCE_WITHIN_MS = 54_000;
const DELIVER_WITHIN_MS = 30_000;

const { port, once } = readArguments();
// The first Ctrl+C ends the rounds, and the readings on their way are delivered. The second one ends everything, in order; the
// third one at once.
const [stop, abort] = [new AbortController(), new AbortController()];
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, end);

const state = new State();
const closers = [];
let ending = AbortSignal.any([abort.signal, ...(once ? [AbortSignal.timeout(ONCE_WITHIN_MS)] : [])]);
try {
  process.exitCode = (await run(findNatsServer())) ? 0 : 1;
} catch (error) {
  console.error(messageOf(ending.aborted ? ending.reason : error));
  process.exitCode = 1;
} finally {
  for (const close of closers.reverse()) await close();
}

/** @returns {Promise<boolean>} Whether the server holds each reading that was committed, once, and no other one. */
async function run(natsServer) {
  const parts = await start(natsServer);
  const { fleet, upstream, cluster } = parts;
  const following = new AbortController();
  closers.push(() => following.abort());
  void cluster.follow(AbortSignal.any([ending, following.signal]));
  state.begin('Devices send readings, while servers and gateways are killed');
  fleet.start();
  await runRounds(parts);
  fleet.stop();
  state.begin('The devices commit no more: delivering the readings on their way');
  await deliver(parts, once ? ending : AbortSignal.any([ending, AbortSignal.timeout(DELIVER_WITHIN_MS)]));
  const sum = compare(fleet.commits(), upstream.valuesOf);
  const isGood = sum.lost + sum.duplicated + sum.unknown === 0;
  state.end(describe(sum), isGood);
  console.log(describe(sum));
  return isGood;
}

function end() {
  const next = [stop, abort].find(({ signal }) => !signal.aborted);
  if (next === undefined) process.exit(1);
  next.abort();
}

/** Starts all that takes part. */
async function start(natsServer) {
  const credentials = makeCredentials(DEVICES);
  let fleet;
  const upstream = await startUpstream(credentials, (...upload) => fleet?.noteStored(...upload));
  closers.push(() => upstream.close());
  const processes = new Processes();
  closers.push(() => processes.close());
  ending = AbortSignal.any([ending, processes.failed]);
  const signal = AbortSignal.any([ending, stop.signal]);
  console.log('Starting three NATS servers and two gateways…');
  const nats = await startNats(processes, natsServer, signal);
  const gateways = await startGateways(processes, { servers: nats.urls, upstream: upstream.baseUrl, signal });
  fleet = new Fleet(credentials, gateways.baseUrls);
  closers.push(() => fleet.close());
  const parts = { processes, nats, gateways, cluster: new Cluster(nats.urls), upstream, fleet };
  const page = await servePage(port, () => state.read(parts));
  closers.push(() => page.close());
  console.log(`The page is at ${page.url} (stop with Ctrl+C)`);
  return parts;
}

async function runRounds(parts) {
  const signal = AbortSignal.any([ending, stop.signal]);
  const note = (text) => state.note(text);
  try {
    for (let number = 0; !signal.aborted && (number === 0 || !once); number++) {
      await runRound({ ...parts, note }, number, signal);
    }
  } catch (error) {
    if (ending.aborted || !stop.signal.aborted) throw error;
  }
}

/** Waits until no reading is on its way. One that is missing then is lost. */
async function deliver({ fleet, cluster }, signal) {
  const isDelivered = ({ depth, parked }) => fleet.storedCount === fleet.committedCount || depth + parked === 0;
  try {
    await fleet.drain(signal);
    await cluster.until(isDelivered, signal);
  } catch (error) {
    if (signal.reason?.name !== 'TimeoutError') throw error;
    throw new Error(`${fleet.committedCount - fleet.storedCount} readings are still on their way.`);
  }
}

function messageOf({ name, message }) {
  if (name === 'TimeoutError') return 'Not done within 60 s: the machine is too slow, or busy.';
  return name === 'AbortError' ? 'Stopped.' : message;
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: { port: { type: 'string', default: '0' }, once: { type: 'boolean', default: false } },
    });
    if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
      throw new Error(`--port must be a number from 0 to 65535, got ${JSON.stringify(values.port)}`);
    }
    return { port: Number(values.port), once: values.once };
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    return process.exit(2);
  }
}
