import type { ResponseLike } from '../core/ports/web-types.js';

/** Longer than any response of the server; a longer body is not read to its end. */
export const MAX_ANSWER_BYTES = 1024 * 1024;

/** @returns The body as text; `undefined` if it is longer than 1 MiB. @throws The error of the stream. */
export async function readText(response: ResponseLike): Promise<string | undefined> {
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

/**
 * @returns The bytes of a web stream or a Node stream; `undefined` if the body is not a stream. Without options WebKit reads
 * those of a changed `Object.prototype`.
 */
function piecesOf(body: unknown): AsyncIterable<Uint8Array> | undefined {
  const stream = Object(body) as Partial<ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>>;
  if (typeof stream.getReader === 'function')
    return read(stream.getReader(Object.create(null)) as ReadableStreamDefaultReader<Uint8Array>);
  return typeof stream[Symbol.asyncIterator] === 'function' ? (stream as AsyncIterable<Uint8Array>) : undefined;
}

/** Uses a reader, as streams are not iterable in WebKit and older Chromium. */
async function* read(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
  } finally {
    void reader.cancel().catch(() => {});
  }
}
