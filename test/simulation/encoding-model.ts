import { gunzipSync, gzipSync } from 'node:zlib';
import type { TransportRequest } from '../../src/core/ports/transport.js';
import { withFallback } from '../../src/core/push/fallback-compressor.js';
import type { Compression } from '../../src/index.js';
import type { Meaning } from './push-model.js';

/** Bodies up to this length are sent as they are. */
const MIN_BYTES = 1024;

/** `gzip()` within one turn of the event loop. @param isAvailable - Whether the platform can compress. */
export function instantGzip(isAvailable: boolean): Compression {
  return withFallback('gzip', async (text) => {
    if (!isAvailable) throw new Error('no CompressionStream');
    return new Uint8Array(gzipSync(text, { level: 1 }));
  });
}

/** The expected encoding of the uploads of one run: this shares no code with `fallback-compressor.ts`. */
export class EncodingModel {
  #state: 'unproven' | 'proven' | 'plain';
  /** A compressed upload that was not stored, which its push repeats plainly. */
  #unstored: { readonly push: number; readonly request: TransportRequest } | undefined;
  #repeat: TransportRequest | undefined;
  /** Whether the entries of the last upload were removed since. */
  #isRemoved = false;

  /** @param isOn - Whether bodies are compressed at all. */
  constructor(isOn: boolean) {
    this.#state = isOn ? 'unproven' : 'plain';
  }

  get isProven(): boolean {
    return this.#state === 'proven';
  }

  /** Whether the plain repetition of a refused upload was stored. */
  get isPlain(): boolean {
    return this.#state === 'plain';
  }

  /**
   * An upload leaves.
   *
   * @returns The compressed upload that it repeats; the reason why it must not leave like this, as a text.
   */
  sent(request: TransportRequest, push: number): TransportRequest | string | undefined {
    const unstored = this.#unstored;
    this.#unstored = undefined;
    this.#repeat = undefined;
    this.#isRemoved = false;
    const { body = '', compressed } = request;
    if (compressed !== undefined && String(gunzipSync(compressed)) !== body) return 'a compressed body is another one';
    if (unstored?.push === push) {
      if (compressed !== undefined || body !== unstored.request.body)
        return 'a compressed upload that was not stored is not repeated plainly';
      this.#repeat = request;
      return unstored.request;
    }
    const isExpected = this.#state !== 'plain' && Buffer.byteLength(body) > MIN_BYTES;
    if (isExpected === (compressed !== undefined)) return undefined;
    return `a body of ${Buffer.byteLength(body)} bytes is ${isExpected ? 'plain' : 'compressed'}`;
  }

  /** An upload is answered. @returns Whether the answer is judged. */
  ended(request: TransportRequest, meaning: Meaning, push: number): boolean {
    if (request === this.#repeat && meaning === 'stored') this.#state = 'plain';
    if (request.compressed === undefined) return true;
    if (meaning === 'stored') this.#state = 'proven';
    if (this.#state === 'proven' || meaning === 'aborted') return true;
    if (!this.#isRemoved) this.#unstored = { push, request };
    return false;
  }

  /** The entries under way were removed: nothing is repeated. */
  removed(): void {
    this.#isRemoved = true;
    this.#unstored = undefined;
  }
}
