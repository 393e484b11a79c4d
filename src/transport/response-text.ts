import type { FetchResponse } from '../core/ports/web-types.js';

/** More than any answer of the server's; a longer one is not read to its end. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** @returns The body as text; `undefined` if it is longer than 1 MiB. @throws Whatever reading it throws. */
export async function readText(response: FetchResponse): Promise<string | undefined> {
  const { body } = response;
  if (body === null) return '';
  const pieces = piecesOf(body);
  if (pieces === undefined) {
    const text = await response.text();
    return text.length > MAX_ANSWER_BYTES ? undefined : text;
  }
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.byteLength;
    if (bytes > MAX_ANSWER_BYTES) return undefined;
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}

/** The body's bytes: of a stream of the platform's, or of Node's; `undefined` where the body is not a stream. */
function piecesOf(body: unknown): AsyncIterable<Uint8Array> | undefined {
  const stream = Object(body) as Partial<ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>>;
  if (typeof stream.getReader === 'function') return read(stream.getReader());
  return typeof stream[Symbol.asyncIterator] === 'function' ? (stream as AsyncIterable<Uint8Array>) : undefined;
}

/** Not by the stream's own iterator, which WebKit and older Chromium don't have. */
async function* read(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
  } finally {
    void reader.cancel().catch(() => {});
  }
}
