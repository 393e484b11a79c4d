import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { Api, memoryStorage } from '../../../src/index.js';
import { deviceId, keyOf, type WorkerWorld } from './worker-world.js';

interface Device {
  readonly api: Api;
  committed: number;
}

/** Devices that use the SDK as anyone does, with one of several gateways as their server: the one that a balancer finds running. */
export class SdkFleet {
  readonly #world: WorkerWorld;
  readonly #devices: readonly Device[];
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();

  /** @param urlOf - The base URL of a gateway that runs. */
  constructor(world: WorkerWorld, devices: number, urlOf: (device: number) => string) {
    this.#world = world;
    this.#devices = Array.from({ length: devices }, (_, device) => ({
      committed: 0,
      api: new Api({
        deviceId: deviceId(device),
        apiKey: keyOf(device),
        baseUrl: BALANCER,
        fetch: (url, init) => fetch(url.replace(BALANCER, urlOf(device)), init as RequestInit),
        storage: memoryStorage(),
        idempotency: true,
        onRefusedCredentials: 'keep',
        requestTimeout: 8,
      }),
    }));
  }

  /** The entries that the gateways acknowledged. */
  get acknowledged(): number {
    return this.#devices.reduce((sum, { api, committed }) => sum + committed - api.log().length, 0);
  }

  get committed(): number {
    return this.#devices.reduce((sum, { committed }) => sum + committed, 0);
  }

  /** Commits and pushes without end. */
  start(pause = 20): void {
    this.#running = Promise.all(this.#devices.map((device) => this.#run(device, pause)));
  }

  async untilAcknowledged(more: number, milliseconds = 30_000): Promise<void> {
    const { acknowledged } = this;
    await this.#world.until(() => this.acknowledged >= acknowledged + more, milliseconds);
  }

  /** Ends once everything committed is acknowledged. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    await Promise.all(this.#devices.map(({ api }) => this.#drain(api)));
  }

  /** Checks that everything committed is stored once, in its order. */
  async check(milliseconds = 60_000): Promise<void> {
    const { upstream } = this.#world;
    const isStored = ({ committed }: Device, device: number): boolean => upstream.values(device).length >= committed;
    await this.#world.until(() => this.#devices.every(isStored), milliseconds);
    for (const [device, { committed }] of this.#devices.entries())
      expect(upstream.values(device)).toEqual(Array.from({ length: committed }, (_, index) => index + 1));
  }

  async #run(device: Device, pause: number): Promise<void> {
    while (!this.#isStopped) {
      for (let entry = 0; entry < 3; entry++) {
        device.committed += 1;
        device.api.addValue('a', device.committed);
        device.api.commit();
      }
      await device.api.push().catch(() => {});
      await delay(pause);
    }
  }

  async #drain(api: Api): Promise<void> {
    for (;;) {
      await api.push().catch(() => {});
      if (api.log().length === 0) break;
      await delay(200);
    }
    await api.close();
  }
}

const BALANCER = 'http://127.0.0.1:1/api/v1/';
