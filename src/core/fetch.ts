/** A function like the platform's `fetch`; it is called with one `Request` and answers with a `Response`. */
export type Fetch = (request: never, init?: never) => PromiseLike<FetchResponse>;

/** The members of a `Response` that are used here, so that no platform's types are needed. */
export interface FetchResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The answer's headers, by name without regard to case. */
  readonly headers: {
    /** @returns `null` for a header that is not there. */
    get(name: string): string | null;
  };
}
