import type { Config } from '../options/options.js';
import { checkApiKey } from '../options/schema.js';

const MAX_FORMER_KEYS = 20;

/** The API key of requests: fixed, or obtained from the function of the option `apiKey`. */
export class ApiKeys {
  readonly #config: Pick<Config, 'baseUrl' | 'deviceId' | 'fields'>;
  #known: string | undefined;
  /** Former keys: a server may repeat one, and it may be valid elsewhere. */
  #former: readonly string[] = [];
  #ask: (() => unknown) | undefined;
  /** The call under way, which concurrent requests share. */
  #call: Promise<string> | undefined;

  constructor(config: Pick<Config, 'apiKey' | 'baseUrl' | 'deviceId' | 'fields'>) {
    this.#config = config;
    const { apiKey } = config;
    if (typeof apiKey === 'string') this.#known = apiKey;
    else this.#ask = () => apiKey();
  }

  /** The present key; `undefined` before the function returned one. */
  get known(): string | undefined {
    return this.#known;
  }

  /** Whether a function gives the key, so that another may be had. */
  get isRenewable(): boolean {
    return this.#ask !== undefined;
  }

  /** The present key and former keys, all of which are redacted. */
  get all(): readonly string[] {
    return this.#known === undefined ? this.#former : [this.#known, ...this.#former];
  }

  /** Replaces the key, or the function. */
  set(apiKey: string): void {
    this.#ask = undefined;
    this.#call = undefined;
    this.#use(apiKey);
  }

  /**
   * Returns the present key, unless the server refused it; else calls the function.
   *
   * @throws The exception of the function; {@link ConfigException} if it does not return an API key.
   */
  async get(refused?: string): Promise<string> {
    if (this.#known !== undefined && this.#known !== refused) return this.#known;
    this.#call ??= this.#callOnce();
    return this.#call;
  }

  /** A call takes too long: the next request does not wait for it. */
  abandonCall(): void {
    this.#call = undefined;
  }

  async #callOnce(): Promise<string> {
    // Not before `#call` is set.
    await undefined;
    const call = this.#call;
    try {
      const key: unknown = await this.#ask?.();
      checkApiKey(key, this.#config);
      if (this.#call === call) this.#use(key);
      else this.#remember(key);
      return this.#known ?? key;
    } finally {
      if (this.#call === call) this.#call = undefined;
    }
  }

  #use(apiKey: string): void {
    if (this.#known !== undefined && this.#known !== apiKey) this.#remember(this.#known);
    this.#known = apiKey;
  }

  #remember(apiKey: string): void {
    this.#former = [...new Set([apiKey, ...this.#former])].slice(0, MAX_FORMER_KEYS);
  }
}
