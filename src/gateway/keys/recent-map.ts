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

  set(key: string, value: Value): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size > this.#maxSize) for (const oldest of this.#map.keys()) return void this.#map.delete(oldest);
  }

  delete(key: string): void {
    this.#map.delete(key);
  }
}
