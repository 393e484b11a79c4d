import { readdirSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { Api, type ApiOptions } from '../../../src/index.js';
import { fileStorage } from '../../../src/node.js';
import { LENGTH } from '../../length.js';
import { credentials } from '../../support/builders/credentials.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { type Device, PHASES, type Phase, startDevice } from '../../support/processes/killable-device.js';
import { DeliveryLog, fetchAs } from '../../support/servers/delivery-log.js';

/*
 * KILLS   how many processes are killed at least, in place of the length of this run. A tenth of them in each phase at least.
 */
const { KILLS = LENGTH.kills } = process.env;
const LEAST = Number(KILLS);
const LEAST_IN_EACH = Math.ceil(LEAST / 10);
/** Lanes of devices, one after the other in each, that run at the same time. */
const LANES = 2;
const PROCESSES = 4;
/** Each of those four is killed and started again so often. */
const KILLS_IN_LANE = Math.ceil(LEAST / 20);
/** The half minutes between two looks take 300 ms. */
const SPEED = 100;
const NO_FAULTS = { lost: [], doubled: [], disordered: [], adoptedFromLiving: [], invented: [] };

const random = (below: number): number => Math.floor(Math.random() * below);
const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const oneOf = <Item>(items: readonly Item[]): Item => items[random(items.length)] as Item;

async function serve(): Promise<{ deliveries: DeliveryLog; options: ApiOptions }> {
  const deliveries = new DeliveryLog();
  const baseUrl = await deliveries.serve({ beforeStoring: () => random(3), beforeAnswering: () => random(6) });
  return { deliveries, options: { ...credentials, baseUrl, maxEntriesPerRequest: 50 } };
}

/** Pushes all that the dead left, in this process. @returns The entries that are left in the folder then but shouldn't be. */
async function drain(folder: string, options: ApiOptions): Promise<string[]> {
  const last = new Api({ ...options, storage: fileStorage(folder), fetch: fetchAs('last') });
  onTestFinished(() => last.close());
  await last.ready;
  await last.push();
  // One that was killed between staging and its commit leaves its staged values: they came back here, and would be left again.
  last.reset();
  await last.close();
  return readdirSync(folder).filter((name) => name !== 'nikdev-iot-1.runs');
}

/** Counts kills by what the killed said last that they were doing. */
class Kills {
  readonly in = new Map<Phase | undefined, number>();
  total = 0;

  add(phase: Phase | undefined): void {
    this.in.set(phase, (this.in.get(phase) ?? 0) + 1);
    this.total += 1;
  }

  /** Where the fewest were. */
  get rarest(): Phase {
    return PHASES.reduce((one, other) => ((this.in.get(other) ?? 0) < (this.in.get(one) ?? 0) ? other : one));
  }

  get areEnough(): boolean {
    return this.total >= LEAST && (this.in.get(this.rarest) ?? 0) >= LEAST_IN_EACH;
  }

  toString(): string {
    const phases = [...PHASES, undefined].map((phase) => `${this.in.get(phase) ?? 0} ${phase ?? 'between'}`);
    return `${this.total} kills (${phases.join(', ')})`;
  }
}

test(`F24 F25 F26 of devices killed ${LEAST} times, while committing, compacting, adopting and pushing, every commit that returned arrives, and a kill doubles one batch at most`, {
  timeout: 400_000,
}, async () => {
  const { deliveries, options } = await serve();
  const kills = new Kills();
  const killInLane = async (folder: string): Promise<void> => {
    while (!kills.areEnough && kills.total < 3 * LEAST) {
      const aim = kills.rarest;
      // It waits between calls of the system: a call that is under way is hit only where it doesn't.
      const slow = random(3) === 0 ? undefined : aim;
      const device = startDevice(deliveries, { folder, options, durability: oneOf(['power', 'process']), slow });
      const time = 1 + random({ committing: 20, compacting: 2, adopting: 1, pushing: 8 }[aim]);
      const isThere = slow ? device.waits(time) : device.begins(aim, time).then(() => wait(random(3)));
      // There may be nothing to adopt.
      await Promise.race([isThere, device.ready.then(() => wait(aim === 'adopting' ? 0 : 2000))]);
      kills.add(await device.kill());
    }
  };
  const folders = Array.from({ length: LANES }, temporaryFolder);
  await Promise.all(folders.map(killInLane));
  const left = (await Promise.all(folders.map((folder) => drain(folder, options)))).flat();

  report(kills, deliveries);
  expect(deliveries.faults).toEqual(NO_FAULTS);
  expect(left).toEqual([]);
  for (const phase of PHASES) expect.soft(kills.in.get(phase), phase).toBeGreaterThanOrEqual(LEAST_IN_EACH);
  expect(kills.total).toBeGreaterThanOrEqual(LEAST);
});

test('F26 of four processes on one directory, each killed again and again, every commit that returned arrives, entries of the killed are adopted by those that still run, and no living process is fenced', {
  timeout: 240_000,
}, async () => {
  const { deliveries, options } = await serve();
  const folder = temporaryFolder();
  const kills = new Kills();
  const start = (): Device =>
    startDevice(deliveries, { folder, options, durability: oneOf(['power', 'process']), speed: SPEED });
  const killed: Device[] = [];
  const killInLane = async (): Promise<Device> => {
    let device = start();
    for (let kill = 0; kill < KILLS_IN_LANE; kill++) {
      await device.ready;
      await wait(random(300));
      kills.add(await device.kill());
      killed.push(device);
      device = start();
    }
    return device;
  };
  const living = await Promise.all(Array.from({ length: PROCESSES }, killInLane));
  const isTakenOver = (): boolean => killed.every(({ name }) => deliveries.hasAllOf(name));
  await Promise.race([deliveries.until(isTakenOver), Promise.all(living.map((device) => device.looks(20)))]);
  const wasTakenOver = isTakenOver();
  for (const device of living) kills.add(await device.kill());
  const left = await drain(folder, options);

  report(kills, deliveries);
  expect(deliveries.faults).toEqual(NO_FAULTS);
  expect(wasTakenOver).toBe(true);
  expect(left).toEqual([]);
});

test('F26 a stopped process is not fenced by three that look again and again, and goes on when it continues', {
  timeout: 60_000,
}, async () => {
  const { deliveries, options } = await serve();
  const folder = temporaryFolder();
  const start = (): Device => startDevice(deliveries, { folder, options, durability: 'process', speed: SPEED });
  const owner = start();
  await owner.begins('pushing', 5);
  owner.signal('SIGSTOP');
  const journals = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.journal'));
  const [owned, ...none] = journals();
  expect(none).toEqual([]);
  const others = [start(), start(), start()];
  // As many as in five minutes of a device's life.
  await Promise.all(others.map((other) => other.looks(10)));
  expect(journals()).toContain(owned);

  const before = deliveries.acknowledgedBy(owner.name);
  owner.signal('SIGCONT');
  await deliveries.until(() => deliveries.acknowledgedBy(owner.name) > before + 100);
  for (const device of [owner, ...others]) await device.kill();
  const left = await drain(folder, options);
  expect(deliveries.faults).toEqual(NO_FAULTS);
  expect(left).toEqual([]);
});

function report(kills: Kills, deliveries: DeliveryLog): void {
  console.log(
    `${kills}: ${deliveries.acknowledged} commits returned, ${deliveries.faults.lost.length} were lost; ` +
      `${deliveries.repeated} deliveries were repeated.`,
  );
}
