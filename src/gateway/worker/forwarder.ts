import { type Attempt, DeviceClient, type Upstream } from './device-client.js';
import type { ForwardedEntry } from './entries.js';

/** A client knows how much upstream takes at once; making it anew for each message would take longer than sending the message. */
const MAX_CLIENTS = 1000;

/** Keeps the clients of the devices that sent last. */
export class Forwarder {
  readonly #upstream: Upstream;
  /** By device and key, the least recently used first. */
  readonly #clients = new Map<string, DeviceClient>();

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  /** @throws {@link ConfigException} if the device id or the key is not a UUID. */
  attempt(device: string, apiKey: string, entries: readonly ForwardedEntry[], signal: AbortSignal): Promise<Attempt> {
    return this.#clientOf(device, apiKey).attempt(entries, signal);
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#clients.values(), (client) => client.close()));
    this.#clients.clear();
  }

  #clientOf(device: string, apiKey: string): DeviceClient {
    const name = `${device} ${apiKey}`;
    const client = this.#clients.get(name) ?? new DeviceClient(device, apiKey, this.#upstream);
    this.#clients.delete(name);
    this.#clients.set(name, client);
    for (const [oldest, unused] of this.#clients) {
      if (this.#clients.size <= MAX_CLIENTS) break;
      this.#clients.delete(oldest);
      void unused.close();
    }
    return client;
  }
}
