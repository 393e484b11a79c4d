import { utf8Length } from '../core/model/values-json.js';
import { Bytes } from './bytes.js';
import { type Body, type HttpRequest, type HttpResponse, json } from './message.js';

/** A slow sender occupies a connection and memory of up to the size of the body. */
const MAX_SECONDS = 120;

/** A complete body, or the response that refuses it. */
export type BodyText = ReadBody | { readonly rejection: HttpResponse };

/** A body, inflated. */
export interface ReadBody {
  readonly text: string;
  /** The bytes of the text as they came; absent if it came as a text. */
  readonly bytes?: Uint8Array;
}

/**
 * Reads the body of a request. Bytes are counted as they arrive: reading stops at the chunk that exceeds the limit.
 *
 * @param maxBytes - The maximum size in bytes of UTF-8.
 * @returns Rejects with the error of the stream, such as a closed connection.
 */
export async function readBody(request: HttpRequest, maxBytes: number): Promise<BodyText> {
  if (Number(request.header('content-length')) > maxBytes) return tooLarge(maxBytes);
  const encoding = request.header('content-encoding')?.trim().toLowerCase();
  const isCompressed = encoding === 'gzip' && typeof DecompressionStream !== 'undefined';
  if (encoding && encoding !== 'identity' && !isCompressed)
    return refuse(415, 'The content-encoding of a body must be gzip, or none');
  const body = await request.body();
  if (isCompressed) return readCompressed(body, maxBytes);
  if (isBytes(body)) return readBytes(body, maxBytes);
  if (typeof body !== 'string') return readStream(body.getReader(), maxBytes);
  return body.length > maxBytes || utf8Length(body) > maxBytes ? tooLarge(maxBytes) : { text: body };
}

/** One layer of gzip; both its bytes and those that they inflate to are bounded. */
async function readCompressed(body: Body, maxBytes: number): Promise<BodyText> {
  const raw = typeof body === 'string' || isBytes(body) ? new Response(body as BodyInit).body : body;
  let rawBytes = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>({
    transform(piece, controller) {
      rawBytes += piece.byteLength;
      if (rawBytes > maxBytes) controller.error(new RangeError());
      else controller.enqueue(piece as Uint8Array<ArrayBuffer>);
    },
  });
  try {
    const inflated = raw?.pipeThrough(counter).pipeThrough(new DecompressionStream('gzip'));
    return inflated ? await readStream(inflated.getReader(), maxBytes) : NOT_GZIP;
  } catch {
    return rawBytes > maxBytes ? tooLarge(maxBytes) : NOT_GZIP;
  }
}

/** Whether a body is bytes, of any realm. */
const isBytes = (body: Body): body is Uint8Array => ArrayBuffer.isView(body);

function readBytes(bytes: Uint8Array, maxBytes: number): BodyText {
  return bytes.byteLength > maxBytes ? tooLarge(maxBytes) : decode(bytes);
}

async function readStream(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number): Promise<BodyText> {
  let isLate = false;
  const cancel = () => void reader.cancel().catch(() => {});
  const timer = setTimeout(() => {
    isLate = true;
    cancel();
  }, MAX_SECONDS * 1000);
  try {
    const bytes = new Bytes();
    for (;;) {
      const { done, value } = await reader.read();
      if (isLate) return refuse(408, `The body must arrive within ${MAX_SECONDS} s`);
      if (done) return decode(bytes.value);
      bytes.add(value);
      if (bytes.length > maxBytes) {
        cancel();
        return tooLarge(maxBytes);
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Made by the first body: jsdom, where the emulator gets texts only, has no TextDecoder. */
let decoder: TextDecoder | undefined;

function decode(bytes: Uint8Array): BodyText {
  try {
    decoder ??= new TextDecoder('utf-8', { fatal: true });
    return { text: decoder.decode(bytes), bytes };
  } catch {
    return NOT_UTF8;
  }
}

const tooLarge = (maxBytes: number): BodyText => refuse(413, `The body must be at most ${maxBytes} bytes long`);

const NOT_UTF8: BodyText = { rejection: json(400, { message: 'the body must be UTF-8' }) };

const NOT_GZIP: BodyText = { rejection: json(400, { message: 'the body must be gzip, as its content-encoding says' }) };

const refuse = (status: number, message: string): BodyText => ({ rejection: json(status, { message }) });
