import { Ledger } from './ledger.mjs';

/** The length of the chart of the queue. */
const SAMPLES = 120;

/** The state of the device and its server for a page, and the actions that a page may ask for. */
export class Control {
  #device;
  #outage;
  #outageSeconds;
  #ledger = new Ledger();
  #report = { refused: [] };
  #reportedAt;
  #storedAt;
  #samples = [];
  #timer = setInterval(() => this.#sample(), 1000).unref();

  /** @param {{ outageSeconds: number }} options */
  constructor({ outageSeconds }) {
    this.#outageSeconds = outageSeconds;
  }

  /**
   * @param {import('./device-process.mjs').DeviceProcess} device
   * @param {import('./outage.mjs').OutageListener} outage
   */
  join(device, outage) {
    this.#device = device;
    this.#outage = outage;
  }

  onReport(report) {
    this.#report = report;
    this.#reportedAt = Date.now() / 1000;
    this.#ledger.report(report);
  }

  onStored(numbers) {
    if (numbers.length > 0) this.#storedAt = Date.now() / 1000;
    this.#ledger.store(numbers);
  }

  state() {
    const { refused, oldestAgeSeconds, nextTry, pushing, isLiveFirst = this.#device.isLiveFirst } = this.#report;
    const silence = this.#reportedAt === undefined ? 0 : Date.now() / 1000 - this.#reportedAt;
    return {
      ...this.#ledger.figures(),
      now: Date.now() / 1000,
      lastSeen: this.#storedAt,
      oldestAgeSeconds: oldestAgeSeconds === undefined ? undefined : oldestAgeSeconds + Math.floor(silence),
      nextTry,
      isPushing: pushing === true,
      refused,
      pid: this.#device.pid,
      runs: this.#device.runs,
      restartsAt: this.#device.restartsAt,
      isLiveFirst,
      serverBackAt: this.#outage.backAt,
      samples: this.#samples,
    };
  }

  /** @returns {boolean} Whether there is such an action. */
  act(name) {
    if (!Object.hasOwn(this.#actions, name)) return false;
    this.#actions[name]();
    return true;
  }

  close() {
    clearInterval(this.#timer);
  }

  #actions = {
    outage: () => this.#outage.takeDown(this.#outageSeconds),
    kill: () => this.#device.kill(),
    overheat: () => this.#device.send('overheat'),
    restore: () => this.#device.send('restore'),
    drop: () => this.#device.send('drop'),
    'live-first': () => this.#setOrder(true),
    'oldest-first': () => this.#setOrder(false),
  };

  #setOrder(isLiveFirst) {
    this.#device.isLiveFirst = isLiveFirst;
    this.#device.send('liveFirst', isLiveFirst);
  }

  #sample() {
    const { waiting } = this.#ledger.figures();
    this.#samples.push([Math.floor(Date.now() / 1000), waiting]);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }
}
