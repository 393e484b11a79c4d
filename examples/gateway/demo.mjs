import { parseArgs } from 'node:util';
import { Cluster } from './cluster.mjs';
import { compare, describe } from './compare.mjs';
import { Fleet, makeCredentials } from './fleet.mjs';
import { startGateways } from './gateways.mjs';
import { findNatsServer, startNats } from './nats.mjs';
import { servePage } from './page.mjs';
import { Processes } from './processes.mjs';
import { runRound, startKilled } from './round.mjs';
import { State } from './state.mjs';
import { startUpstream } from './upstream.mjs';

const USAGE = `usage: npm run demo:gateway -- [--port <port>] [--once]

  --port <port>  the port of the page on 127.0.0.1 (default: any free port)
  --once         one round of failures, within two minutes, instead of rounds until Ctrl+C`;
const DEVICES = 200;
/** The processes have the rest of two minutes to end. */
const ONCE_WITHIN_MS = 110_000;
const DELIVER_WITHIN_MS = 30_000;

const { port, once } = readArguments();
// `stop` ends the rounds, and the readings in transit are delivered; `abort` ends everything.
const [stop, abort] = [new AbortController(), new AbortController()];
abort.signal.addEventListener('abort', () => stop.abort());
for (const name of ['SIGINT', 'SIGTERM']) process.on(name, end);

const state = new State();
const closers = [];
try {
  process.exitCode = (await run(findNatsServer())) ? 0 : 1;
} catch (error) {
  const { name, message } = abort.signal.aborted ? abort.signal.reason : error;
  console.error(name === 'AbortError' ? 'Stopped.' : message);
  process.exitCode = 1;
} finally {
  for (const close of closers.reverse()) await close();
}

/** @returns {Promise<boolean>} Whether the server holds each reading that was committed, once, and no other one. */
async function run(natsServer) {
  if (once) abortAfter(ONCE_WITHIN_MS, () => 'Not done within two minutes: the machine is too slow, or busy.');
  const parts = await start(natsServer);
  const { fleet, upstream, cluster } = parts;
  void cluster.follow(abort.signal);
  state.begin('Devices send readings, while servers and gateways are killed');
  fleet.start();
  await runRounds(parts);
  fleet.stop();
  state.begin('The devices have stopped committing: delivering the readings in transit');
  await deliver(parts);
  const sum = compare(fleet.commits(), upstream.valuesOf);
  const isGood = sum.lost + sum.duplicated + sum.unknown === 0;
  state.end(describe(sum), isGood);
  console.log(describe(sum));
  return isGood;
}

/** The first Ctrl+C ends the rounds, the second one everything, in order; the third one at once. */
function end() {
  const next = [stop, abort].find(({ signal }) => !signal.aborted);
  if (next === undefined) process.exit(1);
  next.abort();
}

function abortAfter(milliseconds, reason) {
  const timer = setTimeout(() => abort.abort(new Error(reason())), milliseconds);
  closers.push(() => clearTimeout(timer));
}

/** Starts all parts of the demo. */
async function start(natsServer) {
  const credentials = makeCredentials(DEVICES);
  let fleet;
  const upstream = await startUpstream(credentials, (...upload) => fleet?.noteStored(...upload));
  closers.push(() => upstream.close());
  const processes = new Processes((error) => abort.abort(error));
  closers.push(() => processes.close());
  console.log('Starting three NATS servers and two gateways…');
  const nats = await startNats(processes, natsServer, stop.signal);
  const options = { servers: nats.urls, upstream: upstream.baseUrl, signal: stop.signal };
  const gateways = await startGateways(processes, options);
  fleet = new Fleet(credentials, gateways.baseUrls);
  closers.push(() => fleet.close());
  const cluster = new Cluster(nats.urls);
  closers.push(() => cluster.close());
  const parts = { processes, nats, gateways, cluster, upstream, fleet, note: (text) => state.note(text) };
  const page = await servePage(port, () => state.read(parts));
  closers.push(() => page.close());
  console.log(`The page is at ${page.url} (stop with Ctrl+C)`);
  return parts;
}

async function runRounds(parts) {
  try {
    for (let number = 0; number === 0 || !once; number++) await runRound(parts, number, stop.signal);
  } catch (error) {
    if (abort.signal.aborted || !stop.signal.aborted) throw error;
    startKilled(parts);
  }
}

/** Waits until no reading is in transit. A reading that is missing then is lost. */
async function deliver({ fleet, cluster }) {
  const underWay = () => fleet.committedCount - fleet.storedCount;
  if (!once) abortAfter(DELIVER_WITHIN_MS, () => `${underWay()} readings are still in transit.`);
  await fleet.drain(abort.signal);
  await cluster.until(({ depth, parked }) => underWay() === 0 || depth + parked === 0, abort.signal);
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
