/** A request that arrived; preflights aside. Holds no headers, hence no API key. */
export interface ReceivedRequest {
  /** Such as `POST`. */
  readonly method: string;
  /** As sent, still percent-encoded, without the query; the first 2000 characters. */
  readonly path: string;
  /** The status of the answer; `undefined` as long as there is none. */
  readonly status: number | undefined;
  /**
   * How many entries it carried, stored or not; `undefined` if its body is not JSON with a list of them, or was not read, as
   * that of a request without good credentials.
   */
  readonly entries: number | undefined;
}

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

const KEPT = 1000;
const MAX_PATH_LENGTH = 2000;

/** Keeps the last requests, oldest first. */
export function createRequestLog() {
  const requests: Mutable<ReceivedRequest>[] = [];
  return {
    requests: requests as readonly ReceivedRequest[],
    /** @returns The record, to be completed. */
    add(method: string, path: string): Mutable<ReceivedRequest> {
      const record = { method, path: path.slice(0, MAX_PATH_LENGTH), status: undefined, entries: undefined };
      requests.push(record);
      if (requests.length > KEPT) requests.shift();
      return record;
    },
  };
}
