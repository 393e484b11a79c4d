import type { Warning } from '../model/events.js';

/** Compresses the bodies of uploads: the value of the option `compression`. Made by `gzip()`. */
export interface Compression {
  /** Starts the compression of one `Api`'s uploads. @internal */
  open(warnings: { add(warning: Warning): void }): Compressor;
}

/** Port: compresses the bodies of one `Api`'s uploads, for as long as the server takes them. */
export interface Compressor {
  /**
   * Sends a body, compressed or plainly.
   *
   * @param send - Makes one request, without an argument of the plain body. Called twice at most.
   * @returns The verdict on the upload.
   */
  post<Verdict extends { readonly kind: string }>(
    body: string,
    send: (compressed?: CompressedBody) => Promise<Verdict>,
  ): Promise<Verdict>;
}

/** A body in another encoding. */
export interface CompressedBody {
  /** The value of the header `content-encoding`. */
  readonly encoding: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}
