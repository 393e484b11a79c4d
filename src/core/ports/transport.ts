/** Port: one HTTP exchange, made once, never retried. */
export interface Transport {
  /** Sends a request. Never throws, and the answer's promise never rejects: each way to fail is an {@link Answer}. */
  send(request: TransportRequest): Exchange;
}

/** One request under way. */
export interface Exchange {
  readonly answer: Promise<Answer>;
  /** Gives up: the answer resolves as `aborted`. The server may have got the request all the same. */
  abort(): void;
}

/** How far a request came that is to outlive its page. */
export interface Beacon {
  /** Whether the platform has it: from then on it leaves, whatever becomes of the page. */
  dispatched: boolean;
}

/** What is sent. Redirects are not followed. */
export interface TransportRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether it is to outlive the page that sends it. */
  readonly keepalive?: boolean;
  /** Is told in the same breath when it has left, by a transport that knows. */
  readonly beacon?: Beacon;
  /** One deadline for everything, the answer's body included, in seconds. */
  readonly timeoutSeconds: number;
}

/** What came back. */
export type Answer = ReceivedResponse | FailedExchange;

/** A whole answer: its status and all of its body. */
export interface ReceivedResponse {
  readonly received: true;
  /** The HTTP status; 0 where a page may not see it (an opaque redirect). */
  readonly status: number;
  readonly body: string;
  readonly contentType: string | undefined;
  /** The `Retry-After` header as sent. */
  readonly retryAfter: string | undefined;
  /** The `Date` header as sent. */
  readonly date: string | undefined;
}

/** No answer, or not all of one. */
export interface FailedExchange {
  readonly received: false;
  readonly reason: FailureReason;
  /** The status, where one was seen. */
  readonly status?: number;
  /** A platform's error code (`ECONNREFUSED`), where it gave one. */
  readonly code?: string;
  /** Of `unreachable`: the platform gives neither code nor words, as pages do for every failure of the network and for CORS. */
  readonly isOpaque?: true;
  /** The platform's words where it gave no code. As they came: they may hold a header's value and have to be redacted. */
  readonly detail?: string;
}

/**
 * - `timeout`: the deadline passed, or the platform's own.
 * - `aborted`: {@link Exchange.abort} was called.
 * - `unreachable`: no connection.
 * - `cut-off`: the connection was reset or closed before a status was seen.
 * - `interrupted`: the exchange failed within the body.
 * - `too-long`: the body exceeds what a transport reads (1 MiB).
 * - `blocked-port`: the fetch standard forbids the port.
 * - `fault`: the fetch failed by something other than the network, such as a programming error.
 */
export type FailureReason =
  | 'timeout'
  | 'aborted'
  | 'unreachable'
  | 'cut-off'
  | 'interrupted'
  | 'too-long'
  | 'blocked-port'
  | 'fault';
