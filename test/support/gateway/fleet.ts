import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { deviceId, type TestUpload, type WorkerWorld } from './worker-world.js';

/** Devices that post as the SDK does: each its entries in their order, the same message again until it is acknowledged. */
export class Fleet {
  readonly #world: WorkerWorld;
  readonly #devices: readonly number[];
  /** By device: the sequences of the acknowledged entries. */
  readonly acknowledged = new Map<number, number[]>();
  repeated = 0;
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(world: WorkerWorld, devices: number) {
    this.#world = world;
    this.#devices = Array.from({ length: devices }, (_, device) => device);
  }

  get count(): number {
    return [...this.acknowledged.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** Begins to post, until {@link Fleet.stop}, with a pause of some milliseconds between two messages of a device. */
  start({ entries = 5, pause = 5 } = {}): void {
    this.#running = Promise.all(this.#devices.map((device) => this.#post(device, entries, pause)));
  }

  /** Ends when the last message of each device is acknowledged. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  /** Waits until so many entries more are acknowledged. */
  async untilPosted(entries: number, milliseconds = 30_000): Promise<void> {
    const { count } = this;
    await this.#world.until(() => this.count >= count + entries, milliseconds);
  }

  /** Checks that each acknowledged entry is stored, once, in the order of its writer. */
  async check(milliseconds = 60_000): Promise<void> {
    const { upstream } = this.#world;
    await this.#world.until(
      () =>
        this.#devices.every((device) => upstream.values(device).length >= (this.acknowledged.get(device)?.length ?? 0)),
      milliseconds,
    );
    for (const device of this.#devices) expect(upstream.values(device)).toEqual(this.acknowledged.get(device));
  }

  /** How many entries were sent to upstream more than once; entries of refused uploads aside. */
  get sentAgain(): number {
    const seen = new Set<string>();
    let again = 0;
    for (const { device, body } of this.#world.upstream.requests)
      for (const { values } of JSON.parse(body).entries as { values: { a: number }[] }[]) {
        const { size } = seen;
        if (seen.add(`${device}/${values[0]?.a}`).size === size) again += 1;
      }
    return again;
  }

  async #post(device: number, entries: number, pause: number): Promise<void> {
    const acknowledged: number[] = [];
    this.acknowledged.set(device, acknowledged);
    while (!this.#isStopped) {
      const values = Array.from({ length: entries }, (_, index) => acknowledged.length + index + 1);
      await this.#publish({ device, values });
      acknowledged.push(...values);
      await delay(pause);
    }
  }

  async #publish(upload: TestUpload): Promise<void> {
    for (;;) {
      try {
        const { duplicate } = await this.#world.publish(upload);
        if (duplicate) this.repeated += 1;
        return;
      } catch {
        await delay(100);
      }
    }
  }
}

/** Whether values ascend: the order of one writer. */
export const isAscending = (values: readonly unknown[]): boolean =>
  values.every((value, index) => index === 0 || Number(values[index - 1]) < Number(value));

export const devicesOf = (count: number): string[] => Array.from({ length: count }, (_, device) => deviceId(device));
