import type { Answer, Transport, TransportRequest } from '../../src/core/ports/transport.js';
import type { Life } from './life.js';
import type { SimulatedTime } from './time.js';

/** What becomes of one request. */
export interface Fate {
  readonly kind: FateKind;
  /** When it reaches the server and is answered, in milliseconds. */
  readonly after: number;
}

export type FateKind = keyof typeof FATES;

interface Kind {
  /** Whether the server stores the entries. */
  readonly stores: boolean;
  /** `undefined`: none ever comes. */
  readonly answer: ((key: string) => Answer) | undefined;
}

const HTML = '<!doctype html><title>Sign in</title>';
const lost =
  (reason: 'unreachable' | 'interrupted', status?: number): (() => Answer) =>
  () => ({
    received: false,
    reason,
    ...(status !== undefined && { status }),
    ...(reason === 'unreachable' && { code: 'ECONNRESET' }),
  });
/** Errors repeat the key, as a careless server would. */
const error =
  (status: number, retryAfter?: string) =>
  (key: string): Answer =>
    whole(status, JSON.stringify({ message: `no, not for ${key.toUpperCase()} (${key})` }), { retryAfter });

export const FATES = {
  'stored 200': { stores: true, answer: () => whole(200, '{"data":{}}') },
  'stored 201': { stores: true, answer: () => whole(201, 'ok', { contentType: 'text/plain' }) },
  'stored 204': { stores: true, answer: () => whole(204, '') },
  'stored, answer lost': { stores: true, answer: lost('unreachable') },
  'stored, answer cut': { stores: true, answer: lost('interrupted', 200) },
  'stored, no answer': { stores: true, answer: undefined },
  'never arrived': { stores: false, answer: lost('unreachable') },
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

/** Whom the network tells what crosses it. */
export interface Poller {
  /** A request leaves an `Api`. */
  sent(request: TransportRequest): void;
  /** The server stores what a request carries: now, however long ago it left. */
  stored(request: TransportRequest): void;
  /** A request is answered, or given up. */
  ended(request: TransportRequest, answer: Answer): void;
}

/** The way to the server, which treats each request as it was told to, and well if it was told nothing. */
export class Network {
  /** For the next requests, in their order. */
  fates: Fate[] = [];
  /** What the server does not take, as it stands in a body, and what it answers to it. */
  readonly bad = new Map<string, number>();
  /** Whether nothing is answered any more: what tries again at once would never end. */
  isDead = false;
  /** How many entries it takes at once. */
  most = Number.POSITIVE_INFINITY;
  readonly #time: SimulatedTime;
  readonly #onFate: (fate: FateKind) => void;

  /** @param onFate - Told what becomes of each request. */
  constructor(time: SimulatedTime, onFate: (fate: FateKind) => void) {
    this.#time = time;
    this.#onFate = onFate;
  }

  /** The transport of one `Api`, whose answers reach it while its process lives. */
  transportOf(life: Life, owner: object, watcher: Poller): Transport {
    return {
      send: (request) => {
        if (!life.isAlive) return { answer: new Promise(() => {}), abort: () => {} };
        const { kind, after } = this.fates.shift() ?? { kind: 'stored 200', after: 0 };
        this.#onFate(kind);
        watcher.sent(request);
        let resolve: (answer: Answer) => void = () => {};
        const answer = new Promise<Answer>((done) => {
          resolve = done;
        });
        const cancelDeadline = this.#time.after(owner, request.timeoutSeconds * 1000, () =>
          end({ received: false, reason: 'timeout' }),
        );
        let isOver = false;
        const end = (given: Answer): void => {
          if (isOver || !life.isAlive) return;
          isOver = true;
          cancelDeadline();
          watcher.ended(request, given);
          resolve(given);
        };
        const arrive = (): void => {
          if (this.isDead) return;
          const { stores, answer: answered } = FATES[kind];
          const refusal = stores ? this.#refusalOf(request) : undefined;
          if (refusal !== undefined) {
            life.tell(() => end(error(refusal)(request.headers['x-api-key'] ?? '')));
            return;
          }
          if (stores && request.method === 'POST') watcher.stored(request);
          if (request.method === 'GET' && stores && answered) life.tell(() => end(this.#lastValues(request)));
          else if (answered) life.tell(() => end(answered(request.headers['x-api-key'] ?? '')));
        };
        if (after === 0) arrive();
        else this.#time.after(this, after, arrive);
        return { answer, abort: () => end({ received: false, reason: 'aborted' }) };
      },
    };
  }

  /** @returns The status of a refusal, where the server does not take what it got. */
  #refusalOf({ method, body = '' }: TransportRequest): number | undefined {
    if (method !== 'POST') return undefined;
    for (const [text, status] of this.bad) if (body.includes(text)) return status;
    const { length } = (JSON.parse(body) as { entries: unknown[] }).entries;
    return length > this.most ? 413 : undefined;
  }

  #lastValues({ url }: TransportRequest): Answer {
    const fieldId = decodeURIComponent(url.slice(url.lastIndexOf('/') + 1));
    const values = [{ [fieldId]: { value: 1, timestamp: Math.floor(this.#time.wall / 1000) } }];
    return whole(200, JSON.stringify({ data: { servertime: Math.floor(this.#time.wall / 1000), values } }));
  }
}
