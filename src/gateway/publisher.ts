import type { ApiError, PubAck } from '@nats-io/jetstream';
import type { Msg, MsgHdrs, NatsConnection, Subscription } from '@nats-io/transport-node';

export interface PublisherParts {
  readonly connection: NatsConnection;
  readonly transport: Pick<
    typeof import('@nats-io/transport-node'),
    'createInbox' | 'NoRespondersError' | 'RequestError' | 'TimeoutError'
  >;
  readonly jetstream: Pick<typeof import('@nats-io/jetstream'), 'JetStreamApiError'>;
  /** An acknowledgement that takes longer counts as lost, in milliseconds. */
  readonly timeout: number;
}

/** A message that is not acknowledged yet. */
interface Waiting {
  readonly subject: string;
  /** By the monotonic clock, in milliseconds. */
  readonly deadline: number;
  resolve(ack: PubAck): void;
  reject(error: unknown): void;
}

/** The status of a message that no stream received. */
const NO_RESPONDERS = 503;

/**
 * Publishes to JetStream, many messages at once: one subscription for all acknowledgements, one timer for all that do not come.
 * `js.publish` makes an error with its stack, a timer and a decoder for each message, a quarter of the CPU of an upload.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  /** Acknowledgements arrive one token below it. */
  readonly #inbox: string;
  /** By the last token of the reply subject; the oldest first. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #decoder = new TextDecoder();
  /** An error ends it; the next publication makes another. */
  #subscription: Subscription | undefined;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#inbox = parts.transport.createInbox();
    void this.#followErrors();
  }

  /** @throws JetStreamApiError, NoRespondersError, TimeoutError, or an error of the connection. */
  publish(subject: string, body: Uint8Array, headers: MsgHdrs): Promise<PubAck> {
    const { connection, timeout } = this.#parts;
    return new Promise((resolve, reject) => {
      this.#subscription ??= this.#subscribe();
      const token = (this.#count++).toString(36);
      connection.publish(subject, body, { headers, reply: `${this.#inbox}.${token}` });
      this.#waiting.set(token, { subject, deadline: performance.now() + timeout, resolve, reject });
      this.#timer ??= setTimeout(() => this.#expire(), timeout);
    });
  }

  #subscribe(): Subscription {
    return this.#parts.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => (error ? this.#fail(error) : this.#settle(message)),
    });
  }

  #fail(error: Error): void {
    this.#subscription = undefined;
    this.#rejectAll(error);
  }

  #settle({ subject, data, headers }: Msg): void {
    const { NoRespondersError } = this.#parts.transport;
    const token = subject.slice(this.#inbox.length + 1);
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return;
    this.#waiting.delete(token);
    try {
      if (data.length === 0 && headers?.code === NO_RESPONDERS) throw new NoRespondersError(waiting.subject);
      waiting.resolve(this.#decode(data));
    } catch (error) {
      waiting.reject(error);
    }
  }

  #decode(data: Uint8Array): PubAck {
    const ack = JSON.parse(this.#decoder.decode(data)) as PubAck & { readonly error?: ApiError };
    if (ack.error) throw new this.#parts.jetstream.JetStreamApiError(ack.error);
    if (!ack.stream) throw new SyntaxError('not an acknowledgement');
    return { ...ack, duplicate: ack.duplicate ?? false };
  }

  #expire(): void {
    const now = performance.now();
    this.#rejectAll(new this.#parts.transport.TimeoutError(), ({ deadline }) => deadline <= now);
    const [oldest] = this.#waiting.values();
    this.#timer = oldest && setTimeout(() => this.#expire(), oldest.deadline - now);
  }

  /**
   * A message without the right to publish it gets no acknowledgement, but an error of the connection. The loop ends with the
   * connection.
   */
  async #followErrors(): Promise<void> {
    const { connection } = this.#parts;
    for await (const status of connection.status()) {
      const { subject } = (status.type === 'error' ? status.error : {}) as { readonly subject?: string };
      if (subject !== undefined) this.#rejectAll((status as { error: Error }).error, (one) => one.subject === subject);
    }
    clearTimeout(this.#timer);
    this.#rejectAll(new this.#parts.transport.RequestError('connection closed'));
  }

  #rejectAll(error: Error, matches: (waiting: Waiting) => boolean = () => true): void {
    for (const [token, waiting] of this.#waiting) {
      if (!matches(waiting)) continue;
      this.#waiting.delete(token);
      waiting.reject(error);
    }
  }
}
