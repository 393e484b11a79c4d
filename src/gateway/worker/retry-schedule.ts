import type { Clock } from '../../core/time/clock.js';
import type { Nats } from '../nats.js';
import { publishWakeUp } from '../wake-ups.js';
import type { ParkedDevices, ParkedRecord } from './parked-devices.js';

/** Records that other gateways wrote, of which one may be gone, are found within this time, in milliseconds. */
const SCAN_MS = 15_000;
/** A wake-up waits behind the queue of its partition. It is repeated, in case that it was lost. */
const REPEAT_MS = 60_000;
const MIN_WAIT_MS = 20;

interface Planned {
  readonly revision: number;
  dueAt: number;
}

/**
 * Publishes a wake-up for each parked device when its retry is due, into the queue, so that the device is handled in the turn of its
 * partition. Every gateway has a schedule of all devices; of their wake-ups JetStream keeps one.
 */
export class RetrySchedule {
  readonly #nats: Nats;
  readonly #devices: ParkedDevices;
  readonly #partitions: number;
  readonly #clock: Clock;
  readonly #planned = new Map<string, Planned>();
  #cancel = (): void => {};
  #cancelScan = (): void => {};
  #isClosed = false;

  constructor(nats: Nats, devices: ParkedDevices, partitions: number, clock: Clock) {
    this.#nats = nats;
    this.#devices = devices;
    this.#partitions = partitions;
    this.#clock = clock;
  }

  start(): void {
    void this.#scan();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
    this.#cancelScan();
  }

  /** Plans the retry of a device; a later revision replaces an earlier one. */
  plan({ device, parked, revision }: ParkedRecord): void {
    const known = this.#planned.get(device);
    if (known !== undefined && known.revision >= revision) return;
    this.#planned.set(device, { revision, dueAt: parked.retryAt });
    this.#arm();
  }

  /** The device is not parked any more. */
  cancel(device: string): void {
    this.#planned.delete(device);
  }

  async #scan(): Promise<void> {
    try {
      const found = new Set<string>();
      for await (const record of this.#devices.all()) {
        found.add(record.device);
        this.plan(record);
      }
      for (const device of this.#planned.keys()) if (!found.has(device)) this.cancel(device);
    } catch {
      // The cluster has no leader at present.
    }
    if (!this.#isClosed) this.#cancelScan = this.#clock.setTimer(() => void this.#scan(), SCAN_MS);
  }

  #arm(): void {
    this.#cancel();
    if (this.#isClosed || this.#planned.size === 0) return;
    let next = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#planned.values()) next = Math.min(next, dueAt);
    const wait = Math.min(Math.max(next - this.#clock.now(), MIN_WAIT_MS), SCAN_MS);
    this.#cancel = this.#clock.setTimer(() => void this.#publishDue(), wait);
  }

  async #publishDue(): Promise<void> {
    const now = this.#clock.now();
    const due = Array.from(this.#planned).filter(([, { dueAt }]) => dueAt <= now);
    await Promise.all(due.map(([device, planned]) => this.#publish(device, planned, now)));
    this.#arm();
  }

  async #publish(device: string, planned: Planned, now: number): Promise<void> {
    // The same for all gateways within a minute, and another one if the wake-up has to be repeated.
    const id = `retry/${device}/${planned.revision}/${Math.floor(now / REPEAT_MS)}`;
    planned.dueAt = now + REPEAT_MS;
    try {
      await publishWakeUp(this.#nats, device, this.#partitions, { 'Nats-Msg-Id': id });
    } catch {
      planned.dueAt = now + SCAN_MS;
    }
  }
}
