import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { deviceId, keyOf, type TestUpload, type WorkerWorld } from './worker-world.js';

/** Posts an upload. @returns Whether the stream had it already, as far as that is known. Rejects unless it is acknowledged. */
export type Send = (upload: TestUpload) => Promise<{ readonly duplicate: boolean }>;

/** Devices that post as the SDK does: each its entries in their order, the same message again until it is acknowledged. */
export class Fleet {
  readonly #world: WorkerWorld;
  readonly #devices: readonly number[];
  readonly #send: Send;
  /** By device: the sequences of the acknowledged entries. */
  readonly acknowledged = new Map<number, number[]>();
  repeated = 0;
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();

  /** @param send - Default: publishes as a front does. */
  constructor(world: WorkerWorld, devices: number, send: Send = (upload) => world.publish(upload)) {
    this.#world = world;
    this.#send = send;
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
  async untilPosted(entries: number, milliseconds = 60_000): Promise<void> {
    const { count } = this;
    await this.#world.until(() => this.count >= count + entries, milliseconds);
  }

  /** Checks that each acknowledged entry is stored, once, in the order of its writer. */
  async check(milliseconds = 120_000): Promise<void> {
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
        const { duplicate } = await this.#send(upload);
        if (duplicate) this.repeated += 1;
        return;
      } catch {
        await delay(100);
      }
    }
  }
}

/** Posts to a gateway over HTTP. @param urlOf - The base URL of a gateway that runs. */
export const postTo =
  (world: WorkerWorld, urlOf: (device: number) => string): Send =>
  async (upload) => {
    const { device, values } = upload;
    const response = await fetch(`${urlOf(device)}entries/`, {
      method: 'POST',
      body: new TextDecoder().decode(world.encode(upload).body),
      headers: { 'x-device-id': deviceId(device), 'x-api-key': keyOf(device), 'x-entry-ids': `w/${values.join(',')}` },
      signal: AbortSignal.timeout(8000),
    });
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
    return { duplicate: false };
  };
