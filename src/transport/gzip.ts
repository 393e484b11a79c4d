import type { Compression } from '../core/ports/compression.js';
import { withFallback } from '../core/push/fallback-compressor.js';

/**
 * The value of the option `compression`: bodies above 1 KiB are sent as `content-encoding: gzip`, by the `CompressionStream` of
 * browsers, Node, Deno, Bun and workers.
 *
 * A compressed request that is not stored is sent again plainly, once, until a compressed request was stored. If the plain request
 * is stored, the `Api` stays plain, with the warning `compression-off`; so it does where the platform has no `CompressionStream`, as
 * in React Native. The request of a page that goes away is not compressed.
 *
 * @example `new Api({ deviceId, apiKey, compression: gzip() })`
 */
export function gzip(): Compression {
  return withFallback('gzip', async (text) => {
    // Without options WebKit reads those of a changed Object.prototype.
    const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'), Object.create(null));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  });
}
