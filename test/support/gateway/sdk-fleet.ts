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
  /** The requests of the devices. */
  readonly #lines: string[] = [];
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
        fetch: (url, init) => this.#fetch(device, url.replace(BALANCER, urlOf(device)), init as RequestInit),
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

  async untilAcknowledged(more: number, milliseconds = 60_000): Promise<void> {
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
  async check(milliseconds = 120_000): Promise<void> {
    const { upstream } = this.#world;
    const isStored = ({ committed }: Device, device: number): boolean => upstream.values(device).length >= committed;
    await this.#world.until(() => this.#devices.every(isStored), milliseconds);
    for (const [device, { committed }] of this.#devices.entries()) {
      const stored = upstream.values(device);
      const late = lateOf(stored).slice(0, 5);
      const message = `device ${device} stored late: ${late}\n${this.#trace(device, new Set(late))}`;
      expect(stored, message).toEqual(Array.from({ length: committed }, (_, index) => index + 1));
    }
  }

  async #fetch(device: number, url: string, init: RequestInit): Promise<Response> {
    const line = `${Date.now()} device ${device} posts ${rangeOf(String(init.body))} to ${url}`;
    try {
      const response = await fetch(url, init);
      this.#lines.push(`${line}: ${response.status} at ${Date.now()}`);
      return response;
    } catch (error) {
      this.#lines.push(`${line}: ${error} at ${Date.now()}`);
      throw error;
    }
  }

  /** The requests with any of these values, for the message of a failure. */
  #trace(device: number, values: ReadonlySet<unknown>): string {
    const own = this.#lines.filter((line) => line.includes(`device ${device} `) && holdsAny(line, values));
    const upstream = this.#world.upstream.requests
      .filter((request) => request.device === deviceId(device))
      .map(({ body, at }) => `${at} upstream gets ${rangeOf(body)}`)
      .filter((line) => holdsAny(line, values));
    return [...own, ...upstream].sort().join('\n');
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

/** The values that came after a higher one. */
function lateOf(values: readonly unknown[]): number[] {
  let highest = 0;
  return values.map(Number).filter((value) => {
    const isLate = value < highest;
    highest = Math.max(highest, value);
    return isLate;
  });
}

/** The values of the entries of a body. */
const rangeOf = (body: string): string =>
  `[${(JSON.parse(body).entries as { values: { a: number }[] }[]).map(({ values }) => values[0]?.a)}]`;

const holdsAny = (line: string, values: ReadonlySet<unknown>): boolean =>
  /\[(.*)\]/
    .exec(line)?.[1]
    ?.split(',')
    .some((value) => values.has(Number(value))) ?? false;

const BALANCER = 'http://127.0.0.1:1/api/v1/';
