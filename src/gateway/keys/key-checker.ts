import type { GatewayNews } from '../news.js';
import type { Upstream } from '../upstream.js';

/** The verdict of upstream on a key: `unknown` while it is away, `busy` if too many keys are checked at once. */
export type KeyVerdict = 'accepted' | 'unknown' | 'busy' | { readonly refused: number };

/** How long a request waits for the verdict on its key, in seconds. */
const MAX_SECONDS = 2;
const MAX_CHECKS = 16;
const MAX_WAITING = 512;

/** Asks upstream about API keys, by uploads without entries: a bounded number at once, and one for each key. */
export class KeyChecker {
  readonly #upstream: Upstream;
  readonly #news: GatewayNews;
  readonly #pending = new Map<string, Promise<KeyVerdict>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(upstream: Upstream, news: GatewayNews) {
    this.#upstream = upstream;
    this.#news = news;
  }

  check(device: string, apiKey: string): Promise<KeyVerdict> {
    const name = `${device} ${apiKey}`;
    const pending = this.#pending.get(name) ?? this.#run(device, apiKey).finally(() => this.#pending.delete(name));
    this.#pending.set(name, pending);
    return pending;
  }

  async #run(device: string, apiKey: string): Promise<KeyVerdict> {
    const deadline = performance.now() + MAX_SECONDS * 1000;
    if (!(await this.#acquire(deadline))) return 'busy';
    try {
      const verdict = await this.#upstream.checkKey(device, apiKey, Math.max(deadline - performance.now(), 1) / 1000);
      const outcome = typeof verdict === 'object' ? 'refused' : verdict;
      this.#news.emit('key-checked', { device, outcome });
      return verdict;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** @returns Whether a check may run; `false` if there was no room before the deadline. */
  async #acquire(deadline: number): Promise<boolean> {
    if (this.#running >= MAX_CHECKS) {
      if (this.#waiting.length >= MAX_WAITING) return false;
      const isReleased = await this.#released(deadline - performance.now());
      if (!isReleased) return false;
    }
    this.#running += 1;
    return true;
  }

  #released(milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const release = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(release), 1);
        resolve(false);
      }, milliseconds);
      this.#waiting.push(release);
    });
  }
}
