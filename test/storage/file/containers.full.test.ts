import { expect, onTestFinished, test } from 'vitest';
import { Api, type ApiOptions } from '../../../src/index.js';
import { fileStorage } from '../../../src/node.js';
import { credentials } from '../../support/builders/credentials.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { type Device, startDevice } from '../../support/processes/killable-device.js';
import { describeWithContainers } from '../../support/processes/pid-namespace.js';
import { DeliveryLog, fetchAs } from '../../support/servers/delivery-log.js';

/** Three minutes take six seconds: longer than a process stands still on a busy machine. */
const SPEED = 30;
const NO_FAULTS = { lost: [], doubled: [], disordered: [], adoptedFromLiving: [], invented: [] };

async function setUp() {
  const deliveries = new DeliveryLog();
  const baseUrl = await deliveries.serve();
  const options: ApiOptions = { ...credentials, baseUrl, maxEntriesPerRequest: 50 };
  const folder = temporaryFolder();
  const start = (isContained: boolean): Device =>
    startDevice(deliveries, { folder, options, durability: 'process', speed: SPEED, isContained });
  return { deliveries, options, folder, start };
}

/** Kills a device that has committed what was not sent. */
async function killWithEntries(deliveries: DeliveryLog, device: Device): Promise<void> {
  const { reached, drop } = deliveries.hold(device.name, 'storing');
  await reached;
  await device.kill();
  drop();
}

/** Pushes what devices outside of containers left, which takes no wait. */
async function drain(folder: string, options: ApiOptions): Promise<void> {
  const last = new Api({ ...options, storage: fileStorage(folder), fetch: fetchAs('last') });
  onTestFinished(() => last.close());
  await last.ready;
  await last.push();
  await last.close();
}

describeWithContainers('F26 containers with a folder in common', () => {
  test('the next container adopts the entries of a killed one after three minutes, and not before', {
    timeout: 60_000,
  }, async () => {
    const { deliveries, options, folder, start } = await setUp();
    const killed = start(true);
    await killWithEntries(deliveries, killed);
    const next = start(true);
    await next.ready;
    // Each of its looks counts for a minute at most, and the first one for nothing.
    await next.looks(1);
    expect(deliveries.hasAllOf(killed.name)).toBe(false);
    await Promise.race([deliveries.until(() => deliveries.hasAllOf(killed.name)), next.looks(30)]);
    expect(deliveries.hasAllOf(killed.name)).toBe(true);

    await next.kill();
    // Of another namespace than ours: whoever has none of its own waits as long.
    const outside = start(false);
    await Promise.race([deliveries.until(() => deliveries.hasAllOf(next.name)), outside.looks(30)]);
    await outside.kill();
    await drain(folder, options);
    expect(deliveries.faults).toEqual(NO_FAULTS);
  });

  test('no container adopts entries of a living one, however often it looks', { timeout: 60_000 }, async () => {
    const { deliveries, options, folder, start } = await setUp();
    const contained = [start(true), start(true)];
    const outside = start(false);
    const all = [...contained, outside];
    // As many as in six minutes.
    await Promise.all(all.map((device) => device.looks(12)));
    for (const device of contained) await device.kill();
    const haveAll = (): boolean => contained.every(({ name }) => deliveries.hasAllOf(name));
    await Promise.race([deliveries.until(haveAll), outside.looks(30)]);
    await outside.kill();
    await drain(folder, options);
    expect(deliveries.faults).toEqual(NO_FAULTS);
  });
});
