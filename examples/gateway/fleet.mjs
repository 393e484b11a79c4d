import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { Api, memoryStorage } from 'nikdev-iot';
import { Durations } from './durations.mjs';

const FIELD = 'reading';
/** Each device commits a reading in every so many ticks, and pushes what it has every so many seconds. */
const TICK_MS = 100;
const COMMIT_EVERY_TICKS = 20;
const PUSH_EVERY_SECONDS = 4;

/** @returns {{ deviceId: string, apiKey: string }[]} Credentials of new devices. */
export const makeCredentials = (count) =>
  Array.from({ length: count }, () => ({ deviceId: randomUUID(), apiKey: randomUUID() }));

/** Devices that commit readings, numbered from 1, and push them to gateways. */
export class Fleet {
  /** From the head of an upload to its 202. */
  acknowledged = new Durations();
  /** From the commit to the NikDev server's answer. */
  stored = new Durations();
  storedCount = 0;
  #devices;
  #byId;
  #tick = 0;
  #timer;

  /**
   * @param {{ deviceId: string, apiKey: string }[]} credentials
   * @param {string[]} baseUrls - Of the gateways, which share the devices.
   */
  constructor(credentials, baseUrls) {
    this.#devices = credentials.map((given, index) => this.#makeDevice(given, baseUrls[index % baseUrls.length]));
    this.#byId = new Map(this.#devices.map((device) => [device.deviceId, device]));
  }

  get size() {
    return this.#devices.length;
  }

  /** Entries that were committed. */
  get committedCount() {
    return this.#devices.reduce((sum, { committed }) => sum + committed.length, 0);
  }

  /** Entries that wait in the devices' queues. */
  get waitingCount() {
    return this.#devices.reduce((sum, { api }) => sum + api.status().committed, 0);
  }

  /** @returns {{ deviceId: string, committed: number[] }[]} The values that each device committed. */
  commits() {
    return this.#devices.map(({ deviceId, committed }) => ({ deviceId, committed }));
  }

  start() {
    this.#timer = setInterval(() => {
      const turn = this.#tick++ % COMMIT_EVERY_TICKS;
      for (let index = turn; index < this.#devices.length; index += COMMIT_EVERY_TICKS) commit(this.#devices[index]);
    }, TICK_MS);
  }

  /** No more commits; devices go on pushing. */
  stop() {
    clearInterval(this.#timer);
  }

  /** Pushes until no device has a queue. */
  async drain(signal) {
    for (;;) {
      const waiting = this.#devices.filter(({ api }) => api.status().committed > 0);
      if (waiting.length === 0) return;
      // A device whose push fails is pushed again.
      await Promise.all(waiting.map(({ api }) => api.push({ signal }).catch(() => {})));
      await setTimeout(100, undefined, { signal });
    }
  }

  /** Notes that the NikDev server has answered an upload. */
  noteStored(deviceId, values) {
    const device = this.#byId.get(deviceId);
    const now = performance.now();
    for (const value of values) {
      const committedAt = device?.underWay.get(value);
      // A repeated upload has been counted.
      if (committedAt === undefined) continue;
      device.underWay.delete(value);
      this.stored.add(now - committedAt);
      this.storedCount++;
    }
  }

  async close() {
    this.stop();
    await Promise.all(this.#devices.map(({ api }) => api.close()));
  }

  #makeDevice({ deviceId, apiKey }, baseUrl) {
    const api = new Api({
      deviceId,
      apiKey,
      baseUrl,
      storage: memoryStorage(),
      autoPush: { everySeconds: PUSH_EVERY_SECONDS },
      // A server that honours the ids stores an entry once, though a gateway was killed before it could note the answer.
      idempotency: true,
      fetch: (url, init) => this.#fetch(url, init),
    });
    // A gateway or the stream's leader is away now and then: the next push succeeds.
    api.on('error', () => {});
    api.on('warning', () => {});
    return { deviceId, api, committed: [], underWay: new Map() };
  }

  async #fetch(url, init) {
    const startedAt = performance.now();
    const response = await fetch(url, init);
    if (response.status === 202) this.acknowledged.add(performance.now() - startedAt);
    return response;
  }
}

function commit({ api, committed, underWay }) {
  const value = committed.length + 1;
  api.addValue(FIELD, value);
  api.commit();
  committed.push(value);
  underWay.set(value, performance.now());
}
