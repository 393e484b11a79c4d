import { BINDINGS, type Bug } from './run.js';
import type { World } from './world.js';

/** On plain http a page is presumed dead after 3 minutes without a heartbeat. */
const ADOPTED_WITHIN_MS = { web: 12_000, plain: 250_000, process: 12_000, power: 12_000 } as const;

/** Two runs, one after the other, read a copy of the storage and crash: both must find the same entries. */
export async function recoverTwice(world: World, bug: Bug): Promise<void> {
  const twin = world.copy(bug);
  const destination = BINDINGS[world.schedule.seed % BINDINGS.length] ?? BINDINGS[0];
  const [first, second] = [await recover(twin, destination), await recover(twin, destination)];
  if (first !== second) world.model.reportViolation('I5', `a second recovery found ${second}, not ${first}`);
  world.model.throwViolation();
}

async function recover(world: World, destination: (typeof BINDINGS)[number]): Promise<string> {
  const { api, host } = world.open(world.startHost(0, 0), destination);
  await world.time.advance(ADOPTED_WITHIN_MS[world.schedule.platform]);
  const found = api.log().map(({ id, timestamp, values }) => `${id} ${timestamp} ${JSON.stringify(values)}`);
  host.lifecycle.end();
  world.removeEnded();
  return found.sort().join(' ');
}
