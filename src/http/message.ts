/** A body that nothing has read yet: text, or a stream of its bytes. */
export type Body = string | ReadableStream<Uint8Array>;

/** A request as the routes see it, of whichever platform. */
export interface HttpRequest {
  /** In capitals. */
  readonly method: string;
  /** As sent, still percent-encoded, without the query. */
  readonly path: string;
  /** @param name - In lower case. */
  header(name: string): string | undefined;
  /** Called at most once, and only for a request whose credentials are good. */
  body(): Body | PromiseLike<Body>;
}

/** A response before it has a platform's form. */
export interface HttpResponse {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Absent where there is none, not even an empty one. */
  readonly body?: string;
}

/** A response with JSON. */
export function json(status: number, body: unknown, headers: HttpResponse['headers'] = {}): HttpResponse {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
