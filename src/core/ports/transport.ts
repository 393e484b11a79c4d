/** Port: makes one HTTP exchange per call, and never retries. */
export interface Transport {
  /** Sends a request. Never throws, and the promise of the answer never rejects: each failure is an {@link Answer}. */
  send(request: TransportRequest): Exchange;
}

/** One request under way. */
export interface Exchange {
  readonly answer: Promise<Answer>;
  /** Resolves the answer as `aborted`. The server may have received the request nevertheless. */
  abort(): void;
}

/** The progress of a request that is to outlive its page. */
export interface Beacon {
  /** Whether the platform accepted the request: from then on it is sent even if the page ends. */
  dispatched: boolean;
}

/** A request. Redirects are not followed. */
export interface TransportRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether the request is to outlive the page that sends it. Default: `false`. */
  readonly keepalive?: boolean;
  /** Updated synchronously once the platform accepted the request, by a transport that can observe this. */
  readonly beacon?: Beacon;
  /** The deadline of the whole exchange, the body of the answer included, in seconds. */
  readonly timeoutSeconds: number;
}

/** The result of an exchange. */
export type Answer = ReceivedResponse | FailedExchange;

/** A complete response, body included. */
export interface ReceivedResponse {
  readonly received: true;
  /** The HTTP status; 0 if a page may not see it (an opaque redirect). */
  readonly status: number;
  readonly body: string;
  readonly contentType: string | undefined;
  /** The `Retry-After` header, unparsed. */
  readonly retryAfter: string | undefined;
  /** The `Date` header, unparsed. */
  readonly date: string | undefined;
}

/** A missing or incomplete response. */
export interface FailedExchange {
  readonly received: false;
  readonly reason: FailureReason;
  /** The HTTP status; absent if the exchange failed before it was received. */
  readonly status?: number;
  /** The error code of the platform, such as `ECONNREFUSED`, if any. */
  readonly code?: string;
  /** Only with `unreachable`: the platform gives neither code nor detail, as browsers do for all network failures and for CORS. */
  readonly isOpaque?: true;
  /** Only with `fault`: the thrown value. Not redacted. */
  readonly error?: unknown;
  /** The platform's message if it gave no code. Not redacted: it may hold the value of a header. */
  readonly detail?: string;
}

/**
 * - `timeout`: the deadline of the request, or of the platform, passed.
 * - `aborted`: {@link Exchange.abort} was called.
 * - `unreachable`: no connection.
 * - `cut-off`: the connection was reset or closed before the status was received.
 * - `interrupted`: the exchange failed within the body of the response.
 * - `too-long`: the body is longer than the limit of the transport (1 MiB).
 * - `blocked-port`: the fetch standard forbids the port.
 * - `fault`: the fetch failed for a reason other than the network, such as a programming error.
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
