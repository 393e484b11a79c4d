/** A map of bounded size: the entry that was used longest ago leaves first. */
export class RecentMap<Value> {
  readonly #map = new Map<string, Value>();
  readonly #maxSize: number;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: string): Value | undefined {
    const value = this.#map.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  /** @returns The value that leaves for this one. */
  set(key: string, value: Value): Value | undefined {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size <= this.#maxSize) return undefined;
    const [[oldest, unused]] = this.#map as unknown as [[string, Value]];
    this.#map.delete(oldest);
    return unused;
  }

  /** The values, the least recently used first. */
  values(): Iterable<Value> {
    return this.#map.values();
  }

  clear(): void {
    this.#map.clear();
  }

  delete(key: string): void {
    this.#map.delete(key);
  }
}
