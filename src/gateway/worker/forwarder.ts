import { RecentMap } from '../recent-map.js';
import { type Attempt, DeviceClient, type Upstream } from './device-client.js';
import type { ForwardedEntry } from './entries.js';

/** A client knows how much upstream takes at once; making it anew for each message would take longer than sending the message. */
const MAX_CLIENTS = 1000;

/** Keeps the clients of the devices that sent last. */
export class Forwarder {
  readonly #upstream: Upstream;
  /** By device and key. */
  readonly #clients = new RecentMap<DeviceClient>(MAX_CLIENTS);

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
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const client = new DeviceClient(device, apiKey, this.#upstream);
    void this.#clients.set(name, client)?.close();
    return client;
  }
}
