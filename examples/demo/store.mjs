import { createEmulator } from 'nikdev-iot/emulator';
import { NUMBER, refusalOf } from './fields.mjs';

/** An hour of readings of the device. */
const MAX_ENTRIES = 3600;
const MAX_POINTS = MAX_ENTRIES * 4;

/** The emulated server of the demo: refuses temperatures that are too high, and lists what it stored in the order of arrival. */
export class Store {
  #emulator;
  #deviceId;
  #onStored;
  #numbers = new Set();
  /** `[fieldId, timestamp, value, arrivedAt]`, times in Unix seconds. */
  #points = [];
  #forgotten = 0;

  /**
   * @param {import('nikdev-iot/emulator').EmulatedDevice} device
   * @param {(numbers: string[]) => void} onStored - Called with the numbers of the device's readings.
   */
  constructor(device, onStored) {
    this.#emulator = createEmulator({ devices: [device], maxEntries: MAX_ENTRIES });
    this.#deviceId = device.deviceId;
    this.#onStored = onStored;
  }

  /** @param {Request} request */
  async fetch(request) {
    if (request.method !== 'POST') return this.#emulator.fetch(request);
    const { entries = [] } = await request
      .clone()
      .json()
      .catch(() => ({}));
    const refusal = refusalOf(entries);
    if (refusal) return Response.json({ message: refusal }, { status: 422 });
    const response = await this.#emulator.fetch(request);
    if (response.ok) this.#add(entries);
    return response;
  }

  entries() {
    return this.#emulator.entries(this.#deviceId);
  }

  /** @param {number} cursor - Of the last call; 0 returns all points. */
  history(cursor) {
    const points = this.#points.slice(Math.max(0, cursor - this.#forgotten));
    return { cursor: this.#forgotten + this.#points.length, points };
  }

  #add(entries) {
    const arrivedAt = Math.floor(Date.now() / 1000);
    const added = entries.filter((entry) => !this.#numbers.has(numberOf(entry)));
    for (const { timestamp, values } of added) {
      for (const [fieldId, value] of values.flatMap(Object.entries)) {
        if (fieldId !== NUMBER) this.#points.push([fieldId, timestamp, value, arrivedAt]);
      }
    }
    const numbers = added.map(numberOf).filter((number) => number !== undefined);
    for (const number of numbers) this.#numbers.add(number);
    this.#onStored(numbers);
    this.#forget(this.#points.length - MAX_POINTS);
  }

  #forget(count) {
    if (count <= 0) return;
    this.#points.splice(0, count);
    this.#forgotten += count;
  }
}

const numberOf = ({ values }) => values.find((value) => NUMBER in value)?.[NUMBER];
