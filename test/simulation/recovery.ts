import { BINDINGS, type Bug } from './run.js';
import type { World } from './world.js';

/** On plain http nobody is known to be dead before three minutes of silence. */
const FOUND_WITHIN_MS = { web: 12_000, plain: 250_000, process: 12_000, power: 12_000 } as const;

/** Lets two runs, one after the other, read a copy of the storage and die: both must find the same. */
export async function recoverTwice(world: World, bug: Bug): Promise<void> {
  const twin = world.copy(bug);
  const binding = BINDINGS[world.schedule.seed % BINDINGS.length] ?? BINDINGS[0];
  const [first, second] = [await recover(twin, binding), await recover(twin, binding)];
  if (first !== second) world.ledger.accuse('I5', `a second recovery found ${second}, not ${first}`);
  world.ledger.judge();
}

async function recover(world: World, binding: (typeof BINDINGS)[number]): Promise<string> {
  const { api, host } = world.open(world.startHost(0, 0), binding);
  await world.time.advance(FOUND_WITHIN_MS[world.schedule.platform]);
  const found = api.log().map(({ id, timestamp, values }) => `${id} ${timestamp} ${JSON.stringify(values)}`);
  host.life.end();
  world.bury();
  return found.sort().join(' ');
}
