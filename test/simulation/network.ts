import type { Answer, Transport, TransportRequest } from '../../src/core/ports/transport.js';
import type { Lifecycle } from './lifecycle.js';
import type { SimulatedTime } from './time.js';

/** The outcome of one request. */
export interface Outcome {
  readonly kind: OutcomeKind;
  /** When it reaches the server and is answered, in milliseconds. */
  readonly after: number;
}

/** Whether the server takes compressed bodies, or refuses them, or something on the way garbles them. */
export type Encodings = 'gzip' | '415' | '400';

export type OutcomeKind = keyof typeof OUTCOMES;

interface Kind {
  /** Whether the server stores the entries. */
  readonly stores: boolean;
  /** `undefined` where no answer ever comes. */
  readonly answer: ((key: string) => Answer) | undefined;
}

const HTML = '<!doctype html><title>Sign in</title>';
const LOST = {
  unreachable: { code: 'ECONNREFUSED' },
  'cut-off': { code: 'ECONNRESET' },
  interrupted: { status: 200 },
};
const lost = (reason: keyof typeof LOST) => (): Answer => ({ received: false, reason, ...LOST[reason] });
/** An error whose message repeats the key, as a careless server's would. */
const error =
  (status: number, retryAfter?: string) =>
  (key: string): Answer =>
    whole(status, JSON.stringify({ message: `no, not for ${key.toUpperCase()} (${key})` }), { retryAfter });

export const OUTCOMES = {
  'stored 200': { stores: true, answer: () => whole(200, '{"data":{}}') },
  'stored 201': { stores: true, answer: () => whole(201, 'ok', { contentType: 'text/plain' }) },
  'stored 204': { stores: true, answer: () => whole(204, '') },
  'stored, answer lost': { stores: true, answer: lost('cut-off') },
  'stored, answer cut': { stores: true, answer: lost('interrupted') },
  'stored, no answer': { stores: true, answer: undefined },
  'never arrived': { stores: false, answer: lost('unreachable') },
  'cut off': { stores: false, answer: lost('cut-off') },
  hang: { stores: false, answer: undefined },
  '500': { stores: false, answer: error(500) },
  '503 Retry-After': { stores: false, answer: error(503, '120') },
  '429 Retry-After': { stores: false, answer: error(429, '1e12') },
  '408': { stores: false, answer: error(408, 'Sun, 06 Nov 2044 08:49:37 GMT') },
  '400': { stores: false, answer: error(400) },
  '413': { stores: false, answer: error(413) },
  '401': { stores: false, answer: error(401) },
  '403': { stores: false, answer: error(403) },
  'portal 200': { stores: false, answer: () => whole(200, HTML, { contentType: 'text/html; charset=utf-8' }) },
  'portal 403': { stores: false, answer: () => whole(403, HTML, { contentType: 'text/plain' }) },
  redirect: { stores: false, answer: () => whole(302, '') },
  'odd 2xx': { stores: false, answer: () => whole(203, '{}') },
} as const satisfies Record<string, Kind>;

const holdsEntries = ({ method, body = '' }: TransportRequest): boolean =>
  method === 'POST' && !body.endsWith('"entries":[]}');

function whole(status: number, body: string, headers: { contentType?: string; retryAfter?: string | undefined } = {}) {
  return {
    received: true,
    status,
    body,
    contentType: headers.contentType ?? 'application/json',
    retryAfter: headers.retryAfter,
    date: undefined,
  } as const;
}

/** Observes the requests that cross the network. */
export interface NetworkObserver {
  /** A request leaves an `Api`. */
  sent(request: TransportRequest): void;
  /** The server stores what a request carries: now, however long ago it left. */
  stored(request: TransportRequest): void;
  /** A request is answered, or given up. */
  ended(request: TransportRequest, answer: Answer): void;
}

/** The network and the server behind it: each request has the next outcome of the schedule, or is stored. */
export class Network {
  /** The outcomes of the next requests, in order. */
  outcomes: Outcome[] = [];
  /** The status of the rejection of each request whose body contains the key of this map; 0 to cut it off. */
  readonly bad = new Map<string, number>();
  /** Whether no request is answered any more, so that code that retries at once comes to an end. */
  isDead = false;
  /** The number of entries that a request may have. */
  maxEntries = Number.POSITIVE_INFINITY;
  /** Whether requests with more are cut off, or else answered with 413. */
  cutsOff = false;
  encodings: Encodings = 'gzip';
  readonly #time: SimulatedTime;
  readonly #onOutcome: (outcome: OutcomeKind | `${Encodings} to gzip`) => void;

  /** @param onOutcome - Called with the outcome of each request. */
  constructor(time: SimulatedTime, onOutcome: (outcome: OutcomeKind | `${Encodings} to gzip`) => void) {
    this.#time = time;
    this.#onOutcome = onOutcome;
  }

  /** The transport of one `Api`, whose answers arrive only while its process is alive. */
  transportOf(lifecycle: Lifecycle, owner: object, observer: NetworkObserver): Transport {
    return {
      send: (request) => {
        if (!lifecycle.isAlive) return { answer: new Promise(() => {}), abort: () => {} };
        const { kind, after } = this.outcomes.shift() ?? { kind: 'stored 200', after: 0 };
        this.#onOutcome(kind);
        // A key that is refused is refused again when that is confirmed.
        if (kind === '401' && holdsEntries(request)) this.outcomes.unshift({ kind, after: 0 });
        observer.sent(request);
        let resolve: (answer: Answer) => void = () => {};
        const answer = new Promise<Answer>((done) => {
          resolve = done;
        });
        const cancelDeadline = this.#time.after(owner, request.timeoutSeconds * 1000, () =>
          end({ received: false, reason: 'timeout' }),
        );
        let isOver = false;
        const end = (given: Answer): void => {
          if (isOver || !lifecycle.isAlive) return;
          isOver = true;
          cancelDeadline();
          observer.ended(request, given);
          resolve(given);
        };
        const arrive = (): void => {
          if (this.isDead) return;
          const { stores, answer: answered } = OUTCOMES[kind];
          const rejection = stores ? this.#refusalStatus(request) : undefined;
          if (rejection !== undefined) {
            const answered = rejection === 0 ? lost('cut-off') : error(rejection);
            lifecycle.deliver(() => end(answered(request.headers['x-api-key'] ?? '')));
            return;
          }
          if (stores && request.method === 'POST') observer.stored(request);
          if (request.method === 'GET' && stores && answered) lifecycle.deliver(() => end(this.#lastValues(request)));
          else if (answered) lifecycle.deliver(() => end(answered(request.headers['x-api-key'] ?? '')));
        };
        if (after === 0) arrive();
        else this.#time.after(this, after, arrive);
        return { answer, abort: () => end({ received: false, reason: 'aborted' }) };
      },
    };
  }

  /** @returns The status of the rejection, 0 for a cut-off; `undefined` if the server accepts the request. */
  #refusalStatus({ method, body = '', compressed }: TransportRequest): number | undefined {
    if (method !== 'POST') return undefined;
    if (compressed !== undefined) this.#onOutcome(`${this.encodings} to gzip`);
    if (compressed !== undefined && this.encodings !== 'gzip') return Number(this.encodings);
    for (const [text, status] of this.bad) if (body.includes(text)) return status;
    const { length } = (JSON.parse(body) as { entries: unknown[] }).entries;
    if (length <= this.maxEntries) return undefined;
    return this.cutsOff ? 0 : 413;
  }

  #lastValues({ url }: TransportRequest): Answer {
    const fieldId = decodeURIComponent(url.slice(url.lastIndexOf('/') + 1));
    const values = [{ [fieldId]: { value: 1, timestamp: Math.floor(this.#time.wall / 1000) } }];
    return whole(200, JSON.stringify({ data: { servertime: Math.floor(this.#time.wall / 1000), values } }));
  }
}
