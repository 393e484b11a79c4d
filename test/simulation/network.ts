import type { Answer, Transport, TransportRequest } from '../../src/core/transport.js';
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
export interface Watcher {
  /** A request leaves an `Api`. */
  sent(request: TransportRequest): void;
  /** The server stores what a request carries: now, however long ago it left. */
  stored(request: TransportRequest): void;
  /** An upload is answered, or given up. */
  ended(request: TransportRequest): void;
}

/** The way to the server, which treats each request as it was told to, and well if it was told nothing. */
export class Network {
  /** For the next requests, in their order. */
  fates: Fate[] = [];
  readonly #time: SimulatedTime;
  readonly #onFate: (fate: FateKind) => void;

  /** @param onFate - Told what becomes of each request. */
  constructor(time: SimulatedTime, onFate: (fate: FateKind) => void) {
    this.#time = time;
    this.#onFate = onFate;
  }

  /** The transport of one `Api`, whose answers reach it while its process lives. */
  transportOf(life: Life, owner: object, watcher: Watcher): Transport {
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
          watcher.ended(request);
          resolve(given);
        };
        const arrive = (): void => {
          const { stores, answer: answered } = FATES[kind];
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

  #lastValues({ url }: TransportRequest): Answer {
    const fieldId = decodeURIComponent(url.slice(url.lastIndexOf('/') + 1));
    const values = [{ [fieldId]: { value: 1, timestamp: Math.floor(this.#time.wall / 1000) } }];
    return whole(200, JSON.stringify({ data: { servertime: Math.floor(this.#time.wall / 1000), values } }));
  }
}
