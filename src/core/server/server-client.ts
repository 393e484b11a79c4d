import { isInsecure } from '../model/base-url.js';
import { ENTRY_IDS, type EntryIdentity, encodeEntryIds } from '../model/entry-ids.js';
import type { ApiException } from '../model/exceptions.js';
import type { FieldDefinitions } from '../model/fields.js';
import { holdsKey, redact, textOf } from '../model/foreign-text.js';
import { own } from '../model/input.js';
import { getAborted, getClosed } from '../model/request-exceptions.js';
import type { Emitter } from '../notify/emitter.js';
import type { ApiKeySource } from '../options/options.js';
import type { CompressedBody } from '../ports/compression.js';
import type { Environment, LifecycleEvent } from '../ports/environment.js';
import type { Answer, Beacon, FailedExchange, FailureReason, Transport, TransportRequest } from '../ports/transport.js';
import { type AbortSignalLike, CoreAbortSignal, onAbort } from '../ports/web-types.js';
import type { Clock } from '../time/clock.js';
import { ApiKeys } from './api-keys.js';
import { judge, type Verdict } from './verdict.js';

/** Servers and proxies accept request lines of up to 8 KB, which also hold the method and the HTTP version. */
const MAX_URL_LENGTH = 8000;
const VALUES = 'values/';

/** The address of the server, and the credentials of the device. */
export interface ServerAddress {
  /** Ends with `/`. */
  readonly baseUrl: string;
  readonly deviceId: string;
  readonly apiKey: ApiKeySource;
  /** The API key must not be the id of a field. */
  readonly fields?: FieldDefinitions | undefined;
  /** The deadline of each request, in seconds. */
  readonly requestTimeout: number;
  /** Absent if requests are made by the platform's `fetch`. */
  readonly fetch?: unknown;
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
  /** Whether it confirms that the key is refused: then the key is not renewed. */
  readonly isConfirmation?: boolean;
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
  /** How many requests were made: two if the key was renewed, none if there was no key. */
  readonly requests: number;
}

/** A request without its key. */
interface KeylessRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly upload: Partial<Upload>;
}

/** A request under way. */
export interface PendingRequest {
  /** Never rejects. */
  readonly outcome: Promise<JudgedResponse>;
  abort(): void;
}

/** The parts of a client that requests use. */
export interface ServerClientParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly environment: Pick<Environment, 'isOnline' | 'ignoresProxy'>;
  readonly emitter: Emitter;
}

/** The NikDev IoT server as the core sees it: the only holder of the API key, and the only one to send it. */
export class ServerClient {
  readonly #parts: ServerClientParts;
  readonly #address: ServerAddress;
  readonly #isInsecure: boolean;
  readonly #keys: ApiKeys;
  /** Whether the last request got a response; `undefined` before the first, and after the network came or went. */
  #isReached: boolean | undefined;

  constructor(parts: ServerClientParts, address: ServerAddress) {
    this.#parts = parts;
    this.#address = address;
    this.#isInsecure = isInsecure(address.baseUrl);
    this.#keys = new ApiKeys(address);
  }

  /** Whether the server, or anything on the way to it, responds; until a request has found out, the hint of the platform. */
  get isOnline(): boolean {
    return this.#isReached ?? this.#parts.environment.isOnline;
  }

  onLifecycle(event: LifecycleEvent): void {
    if (event === 'online' || event === 'offline') this.#isReached = undefined;
  }

  setApiKey(apiKey: string): void {
    this.#keys.set(apiKey);
  }

  /** Whether a request can be sent in this task: without a key, the function of the option `apiKey` has to be called first. */
  get hasKey(): boolean {
    return this.#keys.known !== undefined;
  }

  /** The longest time that an upload or a read takes, in seconds: a refused key may be renewed, and the request sent again. */
  get maxSeconds(): number {
    return this.#address.requestTimeout * (this.#keys.isRenewable ? 2 : 1);
  }

  /** Removes the API key and former API keys from a text. */
  redact(text: string): string {
    return redact(text, this.#keys.all);
  }

  /** Whether a text holds the whole API key or a former API key. */
  holdsKey(text: string): boolean {
    return holdsKey(text, this.#keys.all);
  }

  /** Whether a text equals the API key, without regard to case. */
  isKey(text: unknown): boolean {
    const key = this.#keys.known;
    if (key === undefined || typeof text !== 'string' || text.length !== key.length) return false;
    // Fast path, as this runs for each staged value: keys are UUIDs, and the first or the last character of most ids differs.
    const isAlike = (index: number): boolean => (text.charCodeAt(index) | 32) === (key.charCodeAt(index) | 32);
    return isAlike(0) && isAlike(key.length - 1) && text.toLowerCase() === key.toLowerCase();
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

  #send(method: 'GET' | 'POST', path: string, given: Partial<Upload> = {}): PendingRequest {
    const { known, isRenewable } = this.#keys;
    // Without a prototype, like the request that is made of it.
    const upload = own(given);
    const keyless = { method, path, upload };
    if (known !== undefined && (!isRenewable || upload.beacon)) return this.#exchange(keyless, known);
    const aborted = new CoreAbortSignal();
    return { outcome: this.#sendWithKey(keyless, aborted) as Promise<JudgedResponse>, abort: () => aborted.abort() };
  }

  /**
   * @param refused - The key that the server refused.
   * @returns `undefined` if there is no key other than that.
   */
  async #sendWithKey(
    keyless: KeylessRequest,
    aborted: CoreAbortSignal,
    refused?: string,
  ): Promise<JudgedResponse | undefined> {
    const started = this.#parts.clock.monotonic();
    const key = await this.#obtain(aborted, refused);
    if (key === refused) return undefined;
    if (typeof key !== 'string') return this.#judged(key);
    const { outcome, abort } = this.#exchange(keyless, key, started);
    onAbort(aborted, abort);
    const first = await outcome;
    const mayRenew = refused === undefined && !keyless.upload.isConfirmation && !aborted.aborted;
    if (!mayRenew || first.verdict.kind !== 'unauthorized') return first;
    const second = await this.#sendWithKey(keyless, aborted, key);
    return second === undefined ? first : { ...second, requests: first.requests + second.requests };
  }

  /** The API key, within the deadline of a request, or the reason why there is none. */
  async #obtain(aborted: CoreAbortSignal, refused: string | undefined): Promise<string | FailedExchange> {
    const { requestTimeout } = this.#address;
    let cancel = (): void => {};
    const deadline = new Promise<FailedExchange>((resolve) => {
      onAbort(aborted, () => resolve({ received: false, reason: 'aborted' }));
      cancel = this.#parts.clock.setTimer(() => {
        this.#keys.abandonCall();
        resolve({ received: false, reason: 'no-key', detail: `it took longer than ${requestTimeout} s` });
      }, requestTimeout * 1000);
    });
    try {
      return await Promise.race([this.#keys.get(refused), deadline]);
    } catch (error) {
      return { received: false, reason: 'no-key', detail: textOf(error, 'message') ?? 'it rejected' };
    } finally {
      cancel();
    }
  }

  /** @param since - When the deadline began to count, on the monotonic clock. Default: now. */
  #exchange(
    { method, path, upload }: KeylessRequest,
    apiKey: string,
    since = this.#parts.clock.monotonic(),
  ): PendingRequest {
    const { baseUrl, deviceId, requestTimeout, idempotency } = this.#address;
    const { body, compressed, entries, beacon } = upload;
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
      timeoutSeconds: Math.max(requestTimeout - (this.#parts.clock.monotonic() - since) / 1000, 0),
    });
    const { transport, clock } = this.#parts;
    const sent = clock.monotonic();
    const { answer, abort } = transport.send(request);
    const outcome = answer.then((received) => {
      const judged = this.#judged(received, apiKey);
      this.#report(method, received, judged.verdict, clock.monotonic() - sent);
      return judged;
    });
    return { outcome, abort };
  }

  #report(method: 'GET' | 'POST', received: Answer, { status, kind, message }: Verdict, milliseconds: number): void {
    // An exchange that was aborted, or not even sent, finds out nothing.
    if (status !== undefined) this.#isReached = true;
    else if (!received.received && NO_NETWORK.has(received.reason)) this.#isReached = false;
    this.#parts.emitter.emit('request', { method, status, verdict: kind, milliseconds, message });
  }

  /** @param apiKey - The key of the request; absent if no request was made. */
  #judged(answer: Answer, apiKey?: string): JudgedResponse {
    const { clock, environment } = this.#parts;
    const { isOnline, ignoresProxy = false } = environment;
    const verdict = judge(answer, {
      redact: (text) => this.redact(text),
      timeoutSeconds: this.#address.requestTimeout,
      now: clock.now(),
      isOnline,
      isProxyIgnored: ignoresProxy && this.#address.fetch === undefined,
      isInsecure: this.#isInsecure,
    });
    return {
      verdict: apiKey === undefined ? verdict : this.#ofThisKey(verdict, apiKey),
      body: answer.received ? answer.body : '',
      date: answer.received ? answer.date : undefined,
      requests: apiKey === undefined ? 0 : 1,
    };
  }

  /** The rejection of a former key says nothing about the present key. */
  #ofThisKey(verdict: Verdict, apiKey: string): Verdict {
    if (verdict.kind !== 'unauthorized' || this.#keys.isRenewable || apiKey === this.#keys.known) return verdict;
    return {
      ...verdict,
      kind: 'transient',
      message: 'Bad luck: the API key was changed while a request with the former key was refused.',
      advice: 'Try again: the new key is used from now on.',
    };
  }
}

const NO_NETWORK: ReadonlySet<FailureReason> = new Set(['timeout', 'unreachable', 'cut-off']);

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
