import { holdsKey, redact } from '../model/foreign-text.js';
import { own } from '../model/input.js';
import { isInsecure } from '../options/schema.js';
import type { Environment } from '../ports/environment.js';
import type { Beacon, Transport, TransportRequest } from '../ports/transport.js';
import type { Clock } from '../time/clock.js';
import { judge, type Verdict } from './verdict.js';

/** Servers and proxies take request lines of up to 8 KB; what else stands in one has room below that. */
const MAX_URL_LENGTH = 8000;
const VALUES = 'values/';
const MAX_FORMER_KEYS = 20;

/** Where the server is and who asks. */
export interface ServerAddress {
  /** Ends with `/`. */
  readonly baseUrl: string;
  readonly deviceId: string;
  readonly apiKey: string;
  readonly requestTimeout: number;
}

/** What came of a request. */
export interface JudgedResponse {
  readonly verdict: Verdict;
  /** The answer's body; empty where none came. */
  readonly body: string;
  /** The answer's `Date` header, where one can be seen. */
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
  #apiKey: string;
  /** Those before: a server may name a key that it was sent long ago, and that may be valid elsewhere. */
  #formerKeys: readonly string[] = [];

  constructor(transport: Transport, clock: Clock, environment: Pick<Environment, 'isOnline'>, address: ServerAddress) {
    this.#transport = transport;
    this.#clock = clock;
    this.#environment = environment;
    this.#address = address;
    this.#apiKey = address.apiKey;
  }

  setApiKey(apiKey: string): void {
    if (apiKey !== this.#apiKey) this.#formerKeys = [this.#apiKey, ...this.#formerKeys].slice(0, MAX_FORMER_KEYS);
    this.#apiKey = apiKey;
  }

  /** Takes the API key out of a text, and those before, should it hold them. */
  redact(text: string): string {
    return redact(text, this.#keys);
  }

  /** Whether a text holds the whole API key, or one before. */
  holdsKey(text: string): boolean {
    return holdsKey(text, this.#keys);
  }

  /** Whether a text is the API key. */
  isKey(text: unknown): boolean {
    const key = this.#apiKey;
    const last = key.length - 1;
    if (typeof text !== 'string' || text.length !== key.length) return false;
    // For each value that is staged: most ids differ here, without regard to case.
    return (text.charCodeAt(last) | 32) === (key.charCodeAt(last) | 32) && text.toLowerCase() === key.toLowerCase();
  }

  get #keys(): readonly string[] {
    return [this.#apiKey, ...this.#formerKeys];
  }

  /** Uploads entries. @param departure - Of a request that is to outlive the page. */
  postEntries(body: string, beacon?: Beacon): PendingRequest {
    return this.#send('POST', 'entries/', body, beacon);
  }

  /** How many characters the ids of one {@link ServerClient.getValues} may take, encoded and joined by commas. */
  get maxIdsLength(): number {
    return MAX_URL_LENGTH - this.#address.baseUrl.length - VALUES.length;
  }

  /** Asks for the last values of fields. */
  getValues(fieldIds: readonly string[]): PendingRequest {
    return this.#send('GET', `${VALUES}${fieldIds.map(encodeURIComponent).join(',')}`);
  }

  #send(method: 'GET' | 'POST', path: string, body?: string, beacon?: Beacon): PendingRequest {
    const { baseUrl, deviceId, requestTimeout: timeoutSeconds } = this.#address;
    const apiKey = this.#apiKey;
    // Only what stands here is sent, whatever a script has put into Object.prototype.
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
    const { answer, abort } = this.#transport.send(request);
    const outcome = answer.then((received): JudgedResponse => {
      const { isOnline } = this.#environment;
      const redactAll = (text: string): string => this.redact(text);
      const context = {
        redact: redactAll,
        timeoutSeconds,
        now: this.#clock.now(),
        isOnline,
        isInsecure: isInsecure(baseUrl),
      };
      return {
        verdict: this.#ofThisKey(judge(received, context), apiKey),
        body: received.received ? received.body : '',
        date: received.received ? received.date : undefined,
      };
    });
    return { outcome, abort };
  }

  /** A refused key says nothing about the one that has taken its place since. */
  #ofThisKey(verdict: Verdict, apiKey: string): Verdict {
    if (verdict.kind !== 'unauthorized' || apiKey === this.#apiKey) return verdict;
    return {
      ...verdict,
      kind: 'transient',
      message: 'Bad luck: the API key was changed while a request with the one before was refused.',
      advice: 'Try again: the new key is used from now on.',
    };
  }
}
