import ky from 'ky';
import type { Answer, FailedExchange, Transport, TransportRequest } from '../core/ports/transport.js';
import type { Fetch } from '../core/ports/web-types.js';
import type { Clock } from '../core/time/clock.js';
import { failureOf } from './failure.js';

/** More than any answer of the server's; a longer one is not read to its end. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * A transport over ky. It makes one attempt: whether to try again is for the verdict to say.
 *
 * @param fetch - Stands in for the platform's.
 */
export function kyTransport(clock: Clock, fetch?: Fetch): Transport {
  return {
    send(request) {
      const controller = new AbortController();
      let end: (answer: Answer) => void = () => {};
      // Not left to the fetch alone: one that is injected may ignore its signal.
      const ended = new Promise<Answer>((resolve) => {
        end = resolve;
      });
      const giveUp = (reason: FailedExchange['reason']): void => {
        end({ received: false, reason });
        controller.abort();
      };
      const cancelTimer = clock.setTimer(() => giveUp('timeout'), request.timeoutSeconds * 1000);
      void exchange(request, controller.signal, fetch).then(end);
      return { answer: ended.finally(cancelTimer), abort: () => giveUp('aborted') };
    },
  };
}

async function exchange(request: TransportRequest, signal: AbortSignal, fetch: Fetch | undefined): Promise<Answer> {
  let status: number | undefined;
  try {
    const response = await respond(request, signal, fetch);
    status = response.status;
    const text = await readText(response);
    if (text === undefined) return { received: false, reason: 'too-long', status };
    const header = (name: string): string | undefined => response.headers.get(name) ?? undefined;
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

function respond(request: TransportRequest, signal: AbortSignal, fetch: Fetch | undefined): Promise<Response> {
  const { method, url, headers, body, keepalive = false, beacon } = request;
  const options = { method, headers, redirect: 'manual', ...(keepalive && { keepalive }) } as const;
  const unseen = { signal, ...(body !== undefined && { body }) };
  // Not by ky, which makes a Request of it and waits for a microtask: when a tab is closed Firefox sends no Request at all.
  if (keepalive && fetch === undefined) {
    const response = globalThis.fetch(url, { ...options, ...unseen });
    // Here, and by an assignment: in front of a call the browser may cut this off, and it would be sent again.
    if (beacon !== undefined) beacon.dispatched = true;
    return response;
  }
  const send = (fetch ?? globalThis.fetch) as typeof globalThis.fetch;
  return ky(url, {
    ...options,
    // These go around ky. It makes two of each request, for tries that are not made here, and both would send their body
    // through a stream more; and it would join the signal to one of its own.
    fetch: (bare, init) => send(new Request(bare, unseen), init),
    retry: 0,
    throwHttpErrors: false,
    timeout: false,
  });
}

/** @returns The body as text; `undefined` if it is longer than {@link MAX_ANSWER_BYTES}. */
async function readText(response: Response): Promise<string | undefined> {
  if (!response.body) return '';
  // Some that stand in for fetch have streams of another kind.
  if (typeof response.body.getReader !== 'function') {
    const text = await response.text();
    return text.length > MAX_ANSWER_BYTES ? undefined : text;
  }
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    bytes += piece.value.byteLength;
    if (bytes > MAX_ANSWER_BYTES) {
      void reader.cancel().catch(() => {});
      return undefined;
    }
    text += decoder.decode(piece.value, { stream: true });
  }
  return text + decoder.decode();
}
