import { listen } from './loopback.mjs';

/** A listener that can be taken down, so that connections to its port are refused, and comes back on the same port. */
export class OutageListener {
  #fetch;
  #port;
  #server;
  #timer;
  /** When the listener comes back, in Unix seconds; `undefined` while it listens. */
  backAt;

  constructor(fetch) {
    this.#fetch = fetch;
  }

  get isUp() {
    return this.backAt === undefined;
  }

  /** @returns {Promise<string>} Its URL. */
  async start(port = 0) {
    const { server, url } = await listen(port, this.#fetch);
    this.#server = server;
    this.#port = Number(new URL(url).port);
    this.backAt = undefined;
    return url;
  }

  takeDown(seconds) {
    if (!this.isUp) return;
    this.backAt = Date.now() / 1000 + seconds;
    this.#end();
    this.#timer = setTimeout(() => this.start(this.#port), seconds * 1000);
  }

  close() {
    clearTimeout(this.#timer);
    this.#end();
  }

  #end() {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
