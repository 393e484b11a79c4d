const MIN_CAPACITY = 16_384;

/** Joins chunks of bytes. Many small chunks take no more memory than a few large ones; a single chunk is not copied. */
export class Bytes {
  #buffer = new Uint8Array();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes so far. */
  get value(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  add(chunk: Uint8Array): void {
    const length = this.#length + chunk.byteLength;
    if (this.#length === 0) this.#buffer = chunk as Uint8Array<ArrayBuffer>;
    else this.#copy(chunk, length);
    this.#length = length;
  }

  #copy(chunk: Uint8Array, length: number): void {
    if (length > this.#buffer.byteLength) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#buffer.byteLength, MIN_CAPACITY));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
  }
}
