import { setTimeout } from 'node:timers/promises';
import { gatewayStatus } from 'nikdev-iot/gateway';

const POLL_MS = 1000;
const [UPLOADS, PARKED, QUARANTINE] = ['NIKDEV', 'NIKDEV_PARKED', 'NIKDEV_QUARANTINE'];

/** The state of the streams, read again and again. */
export class Cluster {
  /** Whether the last read succeeded. */
  isReachable = false;
  /** The NATS server that leads the stream of uploads; `undefined` if there is none. */
  leader;
  /** Uploads in the queue. */
  depth = 0;
  /** Uploads of devices that the NikDev server refused or failed. */
  parked = 0;
  /** Entries that the NikDev server refused. */
  quarantined = 0;
  #servers;
  #closing = new AbortController();

  /** @param {string[]} servers - The URLs of the NATS servers. */
  constructor(servers) {
    this.#servers = servers;
  }

  /** Reads until it is closed or a signal aborts. */
  async follow(signal) {
    while (!signal.aborted && !this.#closing.signal.aborted) {
      await this.#read();
      await setTimeout(POLL_MS, undefined, { signal: this.#closing.signal }).catch(() => {});
    }
  }

  close() {
    this.#closing.abort();
  }

  /** Waits until a condition holds of a new read. */
  async until(isTrue, signal) {
    for (;;) {
      await this.#read();
      if (this.isReachable && isTrue(this)) return;
      await setTimeout(POLL_MS / 2, undefined, { signal });
    }
  }

  async #read() {
    try {
      const { streams } = await gatewayStatus({ nats: { servers: this.#servers } });
      const find = (wanted) => streams.find(({ name }) => name === wanted);
      this.leader = find(UPLOADS).leader;
      this.depth = find(UPLOADS).messages;
      this.parked = find(PARKED).messages;
      this.quarantined = find(QUARANTINE).messages;
      this.isReachable = true;
    } catch {
      // Until a new leader is elected, there is no answer.
      this.isReachable = false;
      this.leader = undefined;
    }
  }
}
