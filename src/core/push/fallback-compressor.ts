import type { Warning } from '../model/events.js';
import { utf8Length } from '../model/values-json.js';
import type { CompressedBody, Compression, Compressor } from '../ports/compression.js';

/** In bytes of UTF-8: smaller bodies fit into one packet as they are. */
const MIN_BYTES = 1024;

/**
 * Makes a compression that is given up where it is of no use.
 *
 * @param encode - Rejects where the platform can't compress.
 */
export const withFallback = (
  encoding: string,
  encode: (text: string) => Promise<CompressedBody['bytes']>,
): Compression => ({
  open: (warnings) => new FallbackCompressor({ encoding, encode, warnings }),
});

interface Parts {
  readonly encoding: string;
  readonly encode: (text: string) => Promise<CompressedBody['bytes']>;
  readonly warnings: { add(warning: Warning): void };
}

/**
 * Compresses bodies until it is proved that the server does not take them:
 *
 * ```
 *  unproven ── compressed: stored ──────────────────────────▶ proven (always compressed)
 *     │  ▲
 *     │  └── compressed: not stored, plain: not stored either (an outage decides nothing)
 *     └── compressed: not stored, plain: stored; or the platform can't compress ──▶ plain (always plain)
 * ```
 */
class FallbackCompressor implements Compressor {
  readonly #parts: Parts;
  #state: 'unproven' | 'proven' | 'plain' = 'unproven';

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async post<Verdict extends { readonly kind: string }>(
    body: string,
    send: (compressed?: CompressedBody) => Promise<Verdict>,
  ): Promise<Verdict> {
    const compressed = await this.#compress(body);
    if (compressed === undefined) return send();
    const verdict = await send(compressed);
    if (verdict.kind === 'stored') this.#state = 'proven';
    if (this.#state === 'proven') return verdict;
    const plain = await send();
    if (plain.kind === 'stored') this.#stayPlain(REFUSED);
    return plain;
  }

  async #compress(body: string): Promise<CompressedBody | undefined> {
    if (this.#state === 'plain' || utf8Length(body) <= MIN_BYTES) return undefined;
    const { encoding, encode } = this.#parts;
    try {
      return { encoding, bytes: await encode(body) };
    } catch {
      this.#stayPlain(UNAVAILABLE);
      return undefined;
    }
  }

  #stayPlain(reason: string): void {
    this.#state = 'plain';
    this.#parts.warnings.add({
      code: 'compression-off',
      message: `Uploads are not compressed from now on: ${reason} Nothing is lost.`,
    });
  }
}

const REFUSED =
  'the server stored the request only uncompressed. Let the server and proxies accept content-encoding: gzip, or omit the option compression.';
const UNAVAILABLE = 'this platform has no CompressionStream. Omit the option compression.';
