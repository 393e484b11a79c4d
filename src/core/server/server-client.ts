import type { ApiException } from '../model/exceptions.js';
import { holdsKey, redact } from '../model/foreign-text.js';
import { own } from '../model/input.js';
import { getAborted, getClosed } from '../model/request-exceptions.js';
import type { Emitter } from '../notify/emitter.js';
import { isInsecure } from '../options/schema.js';
import type { Environment, LifecycleEvent } from '../ports/environment.js';
import type { Beacon, FailureReason, Transport, TransportRequest } from '../ports/transport.js';
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
  /** Absent if requests are made by the platform's `fetch`. */
  readonly fetch?: unknown;
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
  #apiKey: string;
  /** Whether the last request got a response; `undefined` before the first, and after the network came or went. */
  #isReached: boolean | undefined;
  /** The keys before the last calls of {@link ServerClient.setApiKey}: a server may repeat an old key, which may be valid elsewhere. */
  #formerKeys: readonly string[] = [];

  constructor(parts: ServerClientParts, address: ServerAddress) {
    this.#parts = parts;
    this.#address = address;
    this.#isInsecure = isInsecure(address.baseUrl);
    this.#apiKey = address.apiKey;
  }

  /** Whether the server, or anything on the way to it, responds; until a request has found out, the hint of the platform. */
  get isOnline(): boolean {
    return this.#isReached ?? this.#parts.environment.isOnline;
  }

  onLifecycle(event: LifecycleEvent): void {
    if (event === 'online' || event === 'offline') this.#isReached = undefined;
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

  /**
   * Uploads entries.
   *
   * @param beacon - Makes the request outlive the page, and is updated once the platform accepted the request.
   */
  postEntries(body: string, beacon?: Beacon): PendingRequest {
    return this.#send('POST', 'entries/', body, beacon);
  }

  /** The maximum length of the ids of one {@link ServerClient.getValues}, percent-encoded and joined by commas. */
  get maxIdsLength(): number {
    return MAX_URL_LENGTH - this.#address.baseUrl.length - VALUES.length;
  }

  /** Reads the last values of fields. */
  getValues(fieldIds: readonly string[]): PendingRequest {
    return this.#send('GET', `${VALUES}${fieldIds.map(encodeURIComponent).join(',')}`);
  }

  #send(method: 'GET' | 'POST', path: string, body?: string, beacon?: Beacon): PendingRequest {
    const { baseUrl, deviceId, requestTimeout: timeoutSeconds } = this.#address;
    const apiKey = this.#apiKey;
    // Without a prototype, so that properties that a script put into Object.prototype are not sent.
    const request = own<TransportRequest>({
      method,
      url: baseUrl + path,
      headers: {
        'x-device-id': deviceId,
        'x-api-key': apiKey,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
      ...(beacon && { keepalive: true, beacon }),
      timeoutSeconds,
    });
    const { transport, clock, environment, emitter } = this.#parts;
    const sent = clock.monotonic();
    const { answer, abort } = transport.send(request);
    const outcome = answer.then((received): JudgedResponse => {
      const { isOnline, ignoresProxy = false } = environment;
      const redactAll = (text: string): string => this.redact(text);
      const context = {
        redact: redactAll,
        timeoutSeconds,
        now: clock.now(),
        isOnline,
        isProxyIgnored: ignoresProxy && this.#address.fetch === undefined,
        isInsecure: this.#isInsecure,
      };
      const verdict = this.#ofThisKey(judge(received, context), apiKey);
      const { status, kind, message } = verdict;
      // An exchange that was aborted, or not even sent, finds out nothing.
      if (status !== undefined) this.#isReached = true;
      else if (!received.received && NO_NETWORK.has(received.reason)) this.#isReached = false;
      emitter.emit('request', { method, status, verdict: kind, milliseconds: clock.monotonic() - sent, message });
      return {
        verdict,
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
