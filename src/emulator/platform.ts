import type { Body, HttpRequest, HttpResponse } from '../http/message.js';

// Looked up instead of named, so that projects without these types can compile against this package.

/** The platform's `Request`; `never` if its types are not available. */
export type PlatformRequest = typeof globalThis extends { Request: { prototype: infer Type } } ? Type : never;

/** The platform's `Response`; `never` if its types are not available. */
export type PlatformResponse = typeof globalThis extends { Response: { prototype: infer Type } } ? Type : never;

/** The options of `fetch` that the emulator reads. */
export interface EmulatedInit {
  /** The HTTP method. Default: `GET`. */
  readonly method?: string | undefined;
  /** Header values by name, as an object, as pairs or as the platform's `Headers`. Default: none. */
  readonly headers?: unknown;
  /** Text, or any other body that the platform's `Response` accepts. Default: none. */
  readonly body?: unknown;
  /** An `AbortSignal` that ends a request that waits for a fault. Default: none. */
  readonly signal?: unknown;
}

/** A request to the emulator. */
export interface EmulatedRequest extends HttpRequest {
  readonly signal: AbortSignal | undefined;
}

/** @param input - A `Request`, or a URL with the options in `init`. */
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
    // Requests in Firefox, and of polyfills, have no stream.
    body: () => request.body ?? request.text(),
    // A getter, which keeps the request alive: its signal follows its controller only by a weak reference. Some versions of
    // workerd have no signal.
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

/** The host is ignored, as a page may pass a path only. */
const pathOf = (url: string): string => new URL(url, 'http://localhost').pathname;

function headersOf(headers: unknown): Map<string, string> {
  const isIterable = typeof (headers as Partial<Iterable<unknown>> | undefined)?.[Symbol.iterator] === 'function';
  const pairs = isIterable ? (headers as Iterable<[string, string]>) : Object.entries(headers ?? {});
  return new Map(Array.from(pairs, ([name, value]) => [name.toLowerCase(), String(value)]));
}

/** A response that may break off. */
export interface EmulatedResponse extends HttpResponse {
  /** Whether the body breaks off with an error after its first half. */
  readonly isCut?: boolean;
}

/** Converts a response to the platform's `Response`, or in jsdom, which has none, to an object with the members in use. */
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
  // Without this header, @hono/node-server reads ahead and sends the first half as a complete response.
  return new Response(halfOf(body ?? ''), { status, headers: { ...headers, 'transfer-encoding': 'chunked' } });
}

function halfOf(body: string): ReadableStream<Uint8Array> {
  const whole = new TextEncoder().encode(body);
  let sent = false;
  // In pull(), not start(): an error discards chunks that are still queued.
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent) return controller.error(new TypeError(CUT));
      sent = true;
      controller.enqueue(whole.slice(0, Math.floor(whole.length / 2)));
    },
  });
}
