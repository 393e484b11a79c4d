import ky from 'ky';
import { textOf } from '../core/model/foreign-text.js';
import { own } from '../core/model/input.js';
import type { Answer, FailureReason, Transport, TransportRequest } from '../core/ports/transport.js';
import type { Fetch, FetchInit, FetchResponse } from '../core/ports/web-types.js';
import type { Clock } from '../core/time/clock.js';
import { failureOf } from './failure.js';

/**
 * A transport over a fetch. It makes one attempt: whether to try again is for the verdict to say.
 *
 * @param fetch - Used in place of the platform's, which is called through ky.
 */
export function fetchTransport(clock: Clock, fetch?: Fetch): Transport {
  return {
    send(request) {
      const controller = new AbortController();
      let end: (answer: Answer) => void = () => {};
      // Not left to the fetch: one that is injected may ignore its signal.
      const ended = new Promise<Answer>((resolve) => {
        end = resolve;
      });
      const giveUp = (reason: FailureReason): void => {
        end({ received: false, reason });
        controller.abort();
      };
      const cancelTimer = clock.setTimer(() => giveUp('timeout'), request.timeoutSeconds * 1000);
      void exchange(request, controller.signal, fetch).then((answer) => {
        end(answer);
        // Where the body was not read to its end, some libraries would keep the connection.
        if (!answer.received) controller.abort();
      });
      return { answer: ended.finally(cancelTimer), abort: () => giveUp('aborted') };
    },
  };
}

async function exchange(request: TransportRequest, signal: AbortSignal, fetch: Fetch | undefined): Promise<Answer> {
  let status: number | undefined;
  try {
    const response: FetchResponse | undefined = await respond(request, signal, fetch);
    if (!isResponse(response)) return NO_RESPONSE;
    // A fetch that ignores `redirect: 'manual'`: the response is of another request than ours.
    status = response.redirected === true ? 0 : response.status;
    const header = (name: string): string | undefined => response.headers.get(name) ?? undefined;
    const isLong = Number(header('content-length')) > MAX_ANSWER_BYTES;
    if (isLong) cancel(response.body);
    const text = isLong ? undefined : await readText(response);
    if (text === undefined) return { received: false, reason: 'too-long', status };
    return {
      received: true,
      status,
      body: text,
      contentType: header('content-type'),
      retryAfter: header('retry-after'),
      date: header('date'),
    };
  } catch (error) {
    return failureOf(error, new URL(request.url).port, status);
  }
}

/** A `fetch` of the program's own may return anything. */
function isResponse(response: FetchResponse | undefined): response is FetchResponse {
  return typeof response?.status === 'number' && typeof response.headers?.get === 'function';
}

const NO_RESPONSE: Answer = { received: false, reason: 'fault', detail: 'fetch did not return a Response' };

function respond(request: TransportRequest, signal: AbortSignal, given: Fetch | undefined): PromiseLike<FetchResponse> {
  const { method, url, headers, body, keepalive = false, beacon } = request;
  // Without a prototype: a fetch reads inherited members too, such as a dispatcher or a body that a script put there.
  const init = own<FetchInit>({
    method,
    headers,
    redirect: 'manual',
    signal,
    ...(body !== undefined && { body }),
    ...(keepalive && { keepalive }),
    ...(isInPage() && { referrerPolicy: 'no-referrer', ...(method === 'GET' && { cache: 'no-store' }) }),
  });
  const fetch: Fetch = given ?? globalThis.fetch;
  // Not by ky, which waits for a microtask: when a tab is closed Firefox then sends no request at all. Nor where a script has
  // put options into Object.prototype: ky reads inherited ones.
  if (given !== undefined || keepalive || typeof Request === 'undefined' || isPolluted())
    return call(fetch, url, init, beacon);
  return ky(url, {
    method,
    // Past ky, which would join the signal to one of its own and make two Requests: another library's fetch refuses those.
    fetch: () => call(fetch, url, init) as Promise<Response>,
    retry: 0,
    throwHttpErrors: false,
    timeout: false,
  });
}

/** Whether every object inherits something that it can be asked for by name. */
function isPolluted(): boolean {
  for (const _ in {}) return true;
  return false;
}

async function call(
  fetch: Fetch,
  url: string,
  init: FetchInit,
  beacon?: TransportRequest['beacon'],
): Promise<FetchResponse> {
  try {
    const response = fetch(url, init);
    // Here, and by an assignment: in front of a call the browser may cut this off, and it would be sent again.
    if (beacon !== undefined) beacon.dispatched = true;
    return await response;
  } catch (error) {
    if (!refusesSignal(error)) throw error;
    const { signal: _, ...unsignalled } = init;
    return await fetch(url, own(unsignalled));
  }
}

/**
 * Whether a fetch refused, before it sent anything, a signal that is not an instance of its own `AbortSignal` (jsdom, a
 * polyfill). The deadline and an abort end the exchange without it.
 */
function refusesSignal(error: unknown): boolean {
  return textOf(error, 'name') === 'TypeError' && textOf(error, 'message')?.includes('AbortSignal') === true;
}

/**
 * Whether this is a page or a worker of one. Elsewhere no response is cached and no address sent along, and some workerd refuse
 * the field `cache`.
 */
function isInPage(): boolean {
  return typeof location !== 'undefined' && typeof Request !== 'undefined' && 'cache' in Request.prototype;
}

/** More than any answer of the server's; a longer one is not read to its end. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Ends a body of which nothing is read: a stream of the platform's, or of Node's. */
function cancel(body: unknown): void {
  const stream = Object(body) as { cancel?(): PromiseLike<void>; destroy?(): void };
  if (typeof stream.cancel === 'function') stream.cancel().then(undefined, () => {});
  else stream.destroy?.();
}

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
