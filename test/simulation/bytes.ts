/** Bytes that grow. */
export class Bytes {
  length = 0;
  /** Changes with the content. */
  version = 0;
  #buffer = Buffer.alloc(256);

  view(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  write(at: number, bytes: Uint8Array): void {
    if (at > this.length) this.resize(at);
    this.#reserve(at + bytes.length);
    this.#buffer.set(bytes, at);
    this.length = Math.max(this.length, at + bytes.length);
    this.version += 1;
  }

  /** Cuts off, or fills with zeros. */
  resize(length: number): void {
    this.#reserve(length);
    if (length > this.length) this.#buffer.fill(0, this.length, length);
    this.length = length;
    this.version += 1;
  }

  become(other: Bytes): void {
    this.length = 0;
    this.write(0, other.view());
  }

  #reserve(length: number): void {
    if (length <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(length, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.length);
    this.#buffer = larger;
  }
}
