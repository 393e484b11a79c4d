import type { Body, HttpRequest, HttpResponse } from '../http/message.js';

// Looked up, not named: whoever compiles without these types must still be able to import ours.

/** The platform's `Request`, where its types are known. */
export type PlatformRequest = typeof globalThis extends { Request: { prototype: infer Type } } ? Type : never;

/** The platform's `Response`, where its types are known. */
export type PlatformResponse = typeof globalThis extends { Response: { prototype: infer Type } } ? Type : never;

/** The options of a `fetch` that the emulator looks at. */
export interface EmulatedInit {
  /** Default: `GET`. */
  readonly method?: string | undefined;
  /** As an object, as pairs, or as the platform's `Headers`. */
  readonly headers?: unknown;
  /** Text, or whatever else the platform's `Response` takes. */
  readonly body?: unknown;
  /** Ends a request that waits. */
  readonly signal?: unknown;
}

/** A request that arrived. */
export interface EmulatedRequest extends HttpRequest {
  readonly signal: AbortSignal | undefined;
}

/** @param input - A `Request`; a URL where `init` is to be read. */
export function requestOf(input: unknown, init: EmulatedInit = {}): EmulatedRequest {
  return isRequest(input) ? ofRequest(input) : ofInit(String(input), init);
}

const isRequest = (input: unknown): input is Request =>
  typeof (input as Partial<Request> | undefined)?.text === 'function';

function ofRequest(request: Request): EmulatedRequest {
  return {
    method: request.method,
    path: pathOf(request.url),
    header: (name) => request.headers.get(name) ?? undefined,
    // Firefox's requests, and those of polyfills, have no stream.
    body: () => request.body ?? request.text(),
    // Read anew from the request, which is held thereby: its signal follows its controller by a weak reference only. Not
    // every workerd gives a request a signal.
    get signal() {
      return request.signal as AbortSignal | undefined;
    },
  };
}

function ofInit(url: string, { method = 'GET', headers, body, signal }: EmulatedInit): EmulatedRequest {
  const given = headersOf(headers);
  return {
    method: method.toUpperCase(),
    path: pathOf(url),
    header: (name) => given.get(name),
    body: () => bodyOf(body),
    signal: (signal ?? undefined) as AbortSignal | undefined,
  };
}

function bodyOf(body: unknown): Body {
  if (typeof body === 'string') return body;
  return (body === undefined || body === null ? undefined : new Response(body as BodyInit).body) ?? '';
}

/** The host doesn't matter: a page may ask for a path only. */
const pathOf = (url: string): string => new URL(url, 'http://localhost').pathname;

function headersOf(headers: unknown): Map<string, string> {
  const isIterable = typeof (headers as Partial<Iterable<unknown>> | undefined)?.[Symbol.iterator] === 'function';
  const pairs = isIterable ? (headers as Iterable<[string, string]>) : Object.entries(headers ?? {});
  return new Map(Array.from(pairs, ([name, value]) => [name.toLowerCase(), String(value)]));
}

/** A response that may break off. */
export interface EmulatedResponse extends HttpResponse {
  /** Whether half of the body comes, and then an error. */
  readonly isCut?: boolean;
}

/** Gives a response the platform's form; where there is no `Response` (jsdom), an object with what is used of one. */
export function responseOf(response: EmulatedResponse): PlatformResponse {
  return (typeof Response === 'undefined' ? plainResponse(response) : platformResponse(response)) as PlatformResponse;
}

const CUT = 'The connection was cut';

function plainResponse({ status, headers, body = '', isCut }: EmulatedResponse) {
  const text = async (): Promise<string> => {
    if (isCut) throw new TypeError(CUT);
    return body;
  };
  const get = (name: string): string | null => headers[name.toLowerCase()] ?? null;
  return { status, ok: status <= 299, headers: { get }, text, json: async () => JSON.parse(await text()) as unknown };
}

function platformResponse({ status, headers, body, isCut }: EmulatedResponse): Response {
  if (!isCut) return new Response(body ?? null, { status, headers });
  // Without it, @hono/node-server reads ahead and sends the half as a whole answer.
  return new Response(halfOf(body ?? ''), { status, headers: { ...headers, 'transfer-encoding': 'chunked' } });
}

function halfOf(body: string): ReadableStream<Uint8Array> {
  const whole = new TextEncoder().encode(body);
  let sent = false;
  // Pulled, not started: an error throws away what is still queued in front of it.
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent) return controller.error(new TypeError(CUT));
      sent = true;
      controller.enqueue(whole.slice(0, Math.floor(whole.length / 2)));
    },
  });
}
