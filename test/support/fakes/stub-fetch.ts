import type { FetchInit, ResponseLike } from '../../../src/index.js';
import { type UploadedEntry, uploadedEntries } from '../builders/uploads.js';

export interface FetchedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  readonly signal: AbortSignal;
}

type Answer = (request: FetchedRequest, index: number) => Response | Promise<Response>;

/** A `fetch` whose answers the test gives; it records its requests, and rejects when a signal aborts. */
export class StubFetch {
  readonly requests: FetchedRequest[] = [];
  underWay = 0;
  mostUnderWay = 0;
  #answer: Answer;

  constructor(answer: Answer = () => reply(200, '{"data":{}}')) {
    this.#answer = answer;
  }

  answerWith(answer: Answer): void {
    this.#answer = answer;
  }

  /** The entries of each upload. */
  get uploads(): UploadedEntry[][] {
    return this.requests.filter(({ method }) => method === 'POST').map(({ body }) => uploadedEntries(body));
  }

  readonly fetch = async (url: string, init: FetchInit): Promise<ResponseLike> => {
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    try {
      const { method, signal, body = '' } = init;
      const headers = new Headers(init.headers);
      const seen = { method, url, headers, signal: signal as AbortSignal, body: String(body) };
      return await Promise.race([this.#answer(seen, this.requests.push(seen) - 1), abortOf(signal)]);
    } finally {
      this.underWay -= 1;
    }
  };
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

const WITHOUT_BODY = new Set([204, 205, 304]);

/** A response of any status: `Response` itself can only be built with 200 to 599. */
export function reply(status: number, body = '', headers: Record<string, string> = {}): Response {
  const buildable = status >= 200 && status <= 599;
  const response = new Response(WITHOUT_BODY.has(status) ? null : body, { status: buildable ? status : 200, headers });
  // A string body brings a content type of its own, which an answer without one doesn't have.
  if (headers['content-type'] === undefined) response.headers.delete('content-type');
  return buildable ? response : Object.defineProperty(response, 'status', { value: status });
}

/** A response with the server's JSON. */
export function replyJson(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return reply(status, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

/** A promise that the test settles. */
export function deferred<Type>(): { promise: Promise<Type>; resolve(value: Type): void; reject(error: unknown): void } {
  let settle: { resolve(value: Type): void; reject(error: unknown): void } | undefined;
  const promise = new Promise<Type>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return {
    promise,
    resolve: (value) => settle?.resolve(value),
    reject: (error) => settle?.reject(error),
  };
}
