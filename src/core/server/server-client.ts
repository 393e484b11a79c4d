import { ENTRY_IDS, type EntryIdentity, encodeEntryIds } from '../model/entry-ids.js';
import type { ApiException } from '../model/exceptions.js';
import { holdsKey, redact } from '../model/foreign-text.js';
import { own } from '../model/input.js';
import { getAborted, getClosed } from '../model/request-exceptions.js';
import { isInsecure } from '../options/schema.js';
import type { CompressedBody } from '../ports/compression.js';
import type { Environment } from '../ports/environment.js';
import type { Beacon, Transport, TransportRequest } from '../ports/transport.js';
import { type AbortSignalLike, onAbort } from '../ports/web-types.js';
import type { Clock } from '../time/clock.js';
import { judge, type Verdict } from './verdict.js';

/** Servers and proxies accept request lines of up to 8 KB, which also hold the method and the HTTP version. */
const MAX_URL_LENGTH = 8000;
const VALUES = 'values/';
const MAX_FORMER_KEYS = 20;

/** The address of the server, and the credentials of the device. */
export interface ServerAddress {
  /** Ends with `/`. */
  readonly baseUrl: string;
  readonly deviceId: string;
  readonly apiKey: string;
  /** The deadline of each request, in seconds. */
  readonly requestTimeout: number;
  /** Whether a header names the entries of each upload. */
  readonly idempotency: boolean;
}

/** An upload. */
export interface Upload {
  readonly body: string;
  /** The body as it is sent, if it is compressed. */
  readonly compressed?: CompressedBody | undefined;
  /** The entries of the body; absent for an upload without names, whatever the options say. */
  readonly entries?: readonly EntryIdentity[] | undefined;
  /** Makes the request outlive the page, and is updated once the platform accepted the request. */
  readonly beacon?: Beacon | undefined;
}

/** A response with its verdict. */
export interface JudgedResponse {
  readonly verdict: Verdict;
  /** The body of the response; empty if there was no response. */
  readonly body: string;
  /** The `Date` header, if present and visible to the page. */
  readonly date: string | undefined;
}

/** A request under way. */
export interface PendingRequest {
  /** Never rejects. */
  readonly outcome: Promise<JudgedResponse>;
  abort(): void;
}

/** The NikDev IoT server as the core sees it: the only holder of the API key, and the only one to send it. */
export class ServerClient {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #environment: Pick<Environment, 'isOnline'>;
  readonly #address: ServerAddress;
  readonly #isInsecure: boolean;
  #apiKey: string;
  /** The keys before the last calls of {@link ServerClient.setApiKey}: a server may repeat an old key, which may be valid elsewhere. */
  #formerKeys: readonly string[] = [];

  constructor(transport: Transport, clock: Clock, environment: Pick<Environment, 'isOnline'>, address: ServerAddress) {
    this.#transport = transport;
    this.#clock = clock;
    this.#environment = environment;
    this.#address = address;
    this.#isInsecure = isInsecure(address.baseUrl);
    this.#apiKey = address.apiKey;
  }

  setApiKey(apiKey: string): void {
    if (apiKey !== this.#apiKey) this.#formerKeys = [this.#apiKey, ...this.#formerKeys].slice(0, MAX_FORMER_KEYS);
    this.#apiKey = apiKey;
  }

  /** Removes the API key and former API keys from a text. */
  redact(text: string): string {
    return redact(text, this.#keys);
  }

  /** Whether a text holds the whole API key or a former API key. */
  holdsKey(text: string): boolean {
    return holdsKey(text, this.#keys);
  }

  /** Whether a text equals the API key, without regard to case. */
  isKey(text: unknown): boolean {
    const key = this.#apiKey;
    const last = key.length - 1;
    if (typeof text !== 'string' || text.length !== key.length) return false;
    // Fast path, as this runs for each staged value: the last character of most ids differs.
    return (text.charCodeAt(last) | 32) === (key.charCodeAt(last) | 32) && text.toLowerCase() === key.toLowerCase();
  }

  get #keys(): readonly string[] {
    return [this.#apiKey, ...this.#formerKeys];
  }

  /** Uploads entries. */
  postEntries(upload: Upload): PendingRequest {
    return this.#send('POST', 'entries/', upload);
  }

  /** The maximum length of the ids of one {@link ServerClient.getValues}, percent-encoded and joined by commas. */
  get maxIdsLength(): number {
    return MAX_URL_LENGTH - this.#address.baseUrl.length - VALUES.length;
  }

  /** Reads the last values of fields. */
  getValues(fieldIds: readonly string[]): PendingRequest {
    return this.#send('GET', `${VALUES}${fieldIds.map(encodeURIComponent).join(',')}`);
  }

  #send(
    method: 'GET' | 'POST',
    path: string,
    { body, compressed, entries, beacon }: Partial<Upload> = {},
  ): PendingRequest {
    const { baseUrl, deviceId, requestTimeout: timeoutSeconds, idempotency } = this.#address;
    const apiKey = this.#apiKey;
    // Without a prototype, so that properties that a script put into Object.prototype are not sent.
    const request = own<TransportRequest>({
      method,
      url: baseUrl + path,
      headers: {
        'x-device-id': deviceId,
        'x-api-key': apiKey,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(compressed && { 'content-encoding': compressed.encoding }),
        ...(idempotency && entries && { [ENTRY_IDS]: encodeEntryIds(entries).text }),
      },
      ...(body !== undefined && { body, compressed: compressed?.bytes }),
      ...(beacon && { keepalive: true, beacon }),
      timeoutSeconds,
    });
    const { answer, abort } = this.#transport.send(request);
    const outcome = answer.then((received): JudgedResponse => {
      const { isOnline } = this.#environment;
      const redactAll = (text: string): string => this.redact(text);
      const context = {
        redact: redactAll,
        timeoutSeconds,
        now: this.#clock.now(),
        isOnline,
        isInsecure: this.#isInsecure,
      };
      return {
        verdict: this.#ofThisKey(judge(received, context), apiKey),
        body: received.received ? received.body : '',
        date: received.received ? received.date : undefined,
      };
    });
    return { outcome, abort };
  }

  /** The rejection of a former key says nothing about the present key. */
  #ofThisKey(verdict: Verdict, apiKey: string): Verdict {
    if (verdict.kind !== 'unauthorized' || apiKey === this.#apiKey) return verdict;
    return {
      ...verdict,
      kind: 'transient',
      message: 'Bad luck: the API key was changed while a request with the former key was refused.',
      advice: 'Try again: the new key is used from now on.',
    };
  }
}

/**
 * Sends a request and waits for its response.
 *
 * @param send - Not called if a signal has aborted.
 * @throws {@link GetException} if a signal aborts.
 */
export async function requestUntilAborted(
  send: () => PendingRequest,
  { closing, signal }: { readonly closing: AbortSignalLike; readonly signal?: AbortSignalLike | undefined },
): Promise<JudgedResponse> {
  if (closing.aborted) throw getClosed();
  if (signal?.aborted) throw getAborted();
  const { outcome, abort } = send();
  return new Promise((resolve, reject) => {
    const end = (exception: ApiException): void => {
      stopListening();
      abort();
      reject(exception);
    };
    const stopClosing = onAbort(closing, () => end(getClosed()));
    const stopAborting = onAbort(signal, () => end(getAborted()));
    const stopListening = (): void => {
      stopClosing();
      stopAborting();
    };
    void outcome.then((response) => {
      stopListening();
      resolve(response);
    });
  });
}
