/** An unread body: text, bytes or a stream of bytes. */
export type Body = string | Uint8Array | ReadableStream<Uint8Array>;

/** A request, independent of the platform. */
export interface HttpRequest {
  /** In upper case. */
  readonly method: string;
  /** The path as sent, percent-encoded, without the query. */
  readonly path: string;
  /** @param name - In lower case. */
  header(name: string): string | undefined;
  /** Called at most once, and only after the credentials were accepted. */
  body(): Body | PromiseLike<Body>;
}

/** A response, independent of the platform. */
export interface HttpResponse {
  readonly status: number;
  /** Header values by name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Absent for a response without a body, as for status 204. */
  readonly body?: string;
}

/** @returns A response with a JSON body. */
export function json(status: number, body: unknown, headers: HttpResponse['headers'] = {}): HttpResponse {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
