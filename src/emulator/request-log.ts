import { ENTRY_IDS } from '../core/model/entry-ids.js';
import type { HttpRequest } from '../http/message.js';
import type { ReceivedEntry } from './device.js';

/** A received request. Has no API key: of the headers it has only the named ones. */
export interface ReceivedRequest {
  /** The HTTP method, such as `POST`. */
  readonly method: string;
  /** The path as sent, percent-encoded, without the query; the first 2000 characters. */
  readonly path: string;
  /** The HTTP status of the response; `undefined` until the request was answered. */
  readonly status: number | undefined;
  /**
   * The number of entries in the body, stored or not; `undefined` if the body has no list of entries, or was not read, as
   * without valid credentials.
   */
  readonly entries: number | undefined;
  /** The header `content-encoding`, such as `gzip`; `undefined` for a plain body. */
  readonly contentEncoding: string | undefined;
  /** The header `x-entry-ids`, which names the entries; the first 4096 characters. `undefined` without `idempotency`. */
  readonly entryIds: string | undefined;
}

/** A request that was answered, and the entries that it stored. */
export interface AnsweredRequest extends ReceivedRequest {
  readonly status: number;
  /** The upload, where the request stored one. */
  readonly stored: StoredUpload | undefined;
}

/** The entries that a request stored. */
export interface StoredUpload {
  /** The device, in lower case. */
  readonly deviceId: string;
  /** Copies, in the order in which they were sent; without those that were stored before, as `idempotency` names them. */
  readonly entries: readonly ReceivedEntry[];
}

const MAX_REQUESTS = 1000;
const MAX_PATH_LENGTH = 2000;
const MAX_HEADER_LENGTH = 4096;

/** Makes a log of the last requests, oldest first. */
export function createRequestLog() {
  const requests: ReceivedRequest[] = [];
  return {
    requests: requests as readonly ReceivedRequest[],
    /** @returns A function that completes the record, and returns it. */
    add({ method, path, header }: HttpRequest): (outcome: Partial<ReceivedRequest>) => ReceivedRequest {
      const record = {
        method,
        path: path.slice(0, MAX_PATH_LENGTH),
        status: undefined,
        entries: undefined,
        contentEncoding: header('content-encoding')?.slice(0, MAX_HEADER_LENGTH),
        entryIds: header(ENTRY_IDS)?.slice(0, MAX_HEADER_LENGTH),
      };
      requests.push(record);
      if (requests.length > MAX_REQUESTS) requests.shift();
      return (outcome) => Object.assign(record, outcome);
    },
  };
}
