import ky from 'ky';
import { textOf } from '../core/model/foreign-text.js';
import { own } from '../core/model/input.js';
import type { Answer, FailureReason, Transport, TransportRequest } from '../core/ports/transport.js';
import type { FetchInit, FetchLike, ResponseLike } from '../core/ports/web-types.js';
import type { Clock } from '../core/time/clock.js';
import { failureOf } from './failure.js';
import { MAX_ANSWER_BYTES, readText } from './response-text.js';

/**
 * A transport over `fetch`. It makes one attempt; retries depend on the verdict.
 *
 * @param fetch - Replaces the platform's `fetch`, which is called through ky.
 */
export function fetchTransport(clock: Clock, fetch?: FetchLike): Transport {
  return {
    send(request) {
      const controller = new AbortController();
      let end: (answer: Answer) => void = () => {};
      // Resolved here, as an injected fetch may ignore its signal.
      const ended = new Promise<Answer>((resolve) => {
        end = resolve;
      });
      const endWith = (reason: FailureReason): void => {
        end({ received: false, reason });
        controller.abort();
      };
      const cancelTimer = clock.setTimer(() => endWith('timeout'), request.timeoutSeconds * 1000);
      void exchange(request, controller.signal, fetch).then((answer) => {
        end(answer);
        // If the body was not read to its end, some libraries keep the connection open.
        if (!answer.received) controller.abort();
      });
      return { answer: ended.finally(cancelTimer), abort: () => endWith('aborted') };
    },
  };
}

async function exchange(request: TransportRequest, signal: AbortSignal, fetch: FetchLike | undefined): Promise<Answer> {
  let status: number | undefined;
  try {
    const response: ResponseLike | undefined = await respond(request, signal, fetch);
    if (!isResponse(response)) return NO_RESPONSE;
    // This fetch ignored `redirect: 'manual'`: the response belongs to another request.
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

/** An injected `fetch` may return any value. */
function isResponse(response: ResponseLike | undefined): response is ResponseLike {
  return typeof response?.status === 'number' && typeof response.headers?.get === 'function';
}

const NO_RESPONSE: Answer = { received: false, reason: 'fault', detail: 'fetch did not return a Response' };

function respond(
  request: TransportRequest,
  signal: AbortSignal,
  given: FetchLike | undefined,
): PromiseLike<ResponseLike> {
  const { method, url, headers, keepalive = false, beacon } = request;
  const body = request.compressed ?? request.body;
  // Without a prototype: fetch reads inherited properties too, such as a `dispatcher` or `body` in Object.prototype.
  const init = own<FetchInit>({
    method,
    headers,
    redirect: 'manual',
    signal,
    ...(body !== undefined && { body }),
    ...(keepalive && { keepalive }),
    ...(isInPage() && { referrerPolicy: 'no-referrer', ...(method === 'GET' && { cache: 'no-store' }) }),
  });
  const fetch: FetchLike | undefined = given ?? globalThis.fetch;
  if (fetch === undefined) throw new ReferenceError('fetch is not defined');
  // Bypasses ky for keepalive requests, as ky awaits a microtask, after which Firefox sends no request from a closing tab; and
  // for a polluted Object.prototype, as ky reads inherited options.
  // React Native's Response has no body, and ky copies bodies.
  if (given !== undefined || keepalive || !hasBodies() || isPolluted()) return call(fetch, url, init, beacon);
  // The build leaves out the rest of ky: see build/lean-ky.mjs before another option is passed.
  return ky(url, {
    method,
    // Bypasses the signal and the Request objects of ky, which another library's fetch refuses.
    fetch: () => call(fetch, url, init) as Promise<Response>,
    retry: 0,
    throwHttpErrors: false,
    timeout: false,
  });
}

/** Whether the platform has a Request, and a Response whose body is a stream. */
const hasBodies = (): boolean => typeof Request === 'function' && 'body' in Response.prototype;

/** Whether Object.prototype has an enumerable property. */
function isPolluted(): boolean {
  for (const _ in {}) return true;
  return false;
}

async function call(
  fetch: FetchLike,
  url: string,
  init: FetchInit,
  beacon?: TransportRequest['beacon'],
): Promise<ResponseLike> {
  try {
    const response = fetch(url, init);
    // An assignment right here: a browser may interrupt the script before a function call, and the entries would be sent again.
    if (beacon !== undefined) beacon.dispatched = true;
    return await response;
  } catch (error) {
    if (!refusesSignal(error)) throw error;
    const { signal: _, ...unsignalled } = init;
    return await fetch(url, own(unsignalled));
  }
}

/**
 * Whether fetch refused the request before sending it, as the signal is not an instance of its own `AbortSignal` (jsdom, a
 * polyfill). The exchange ends on a deadline or an abort also without the signal.
 */
function refusesSignal(error: unknown): boolean {
  return textOf(error, 'name') === 'TypeError' && textOf(error, 'message')?.includes('AbortSignal') === true;
}

/**
 * Whether this is a page or a worker of a page. Other platforms have no HTTP cache and no referrer, and some versions of workerd
 * refuse the option `cache`.
 */
function isInPage(): boolean {
  return typeof location !== 'undefined' && typeof Request !== 'undefined' && 'cache' in Request.prototype;
}

/** Cancels an unread body: a web stream or a Node stream. */
function cancel(body: unknown): void {
  const stream = Object(body) as { cancel?(): PromiseLike<void>; destroy?(): void };
  if (typeof stream.cancel === 'function') stream.cancel().then(undefined, () => {});
  else stream.destroy?.();
}
