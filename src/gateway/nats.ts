import type { JetStreamClient, JetStreamManager, PubAck } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { MsgHdrs, NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { codeWord, textOf } from '../core/model/foreign-text.js';
import { GatewayException } from './gateway-exception.js';
import { loadPeer } from './peers.js';
import { Publisher } from './publisher.js';

/** How to reach the NATS cluster. Texts of files, not their paths. */
export interface NatsOptions {
  /** URLs such as `nats://10.0.0.1:4222`, without credentials. */
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** The content of a `.creds` file. */
  readonly credentials?: string | undefined;
  /** Certificates in PEM. An empty object is TLS with the authorities of the system. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
}

/** A message to publish. */
export interface OutgoingMessage {
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A connection to the cluster, shared by all parts of a gateway. */
export interface Nats {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** The most bytes of a message's body, so that {@link MAX_HEADER_BYTES} of headers fit beside it. */
  readonly maxBodyBytes: number;
  /** Opens a bucket, which must exist. Reads go to its leader, never to a follower that lags. */
  kv(name: string): Promise<KV>;
  /** Makes headers of a message. */
  headers(fields: Readonly<Record<string, string>>): MsgHdrs;
  /** Publishes a message to this stream only: a stream of another name on its subject is not ours to fill. */
  publish(streamName: string, message: OutgoingMessage): Promise<PubAck>;
  /** Deletes a message, which may be gone: a request that was not answered may have deleted it. */
  deleteMessage(streamName: string, sequence: number): Promise<void>;
  close(): Promise<void>;
}

/** Bytes of all headers of a message. */
export const MAX_HEADER_BYTES = 24_576;
/** Of a whole message, as the servers of NATS have it by default. */
const MAX_MESSAGE_BYTES = 1_048_576;
/** A request to JetStream that was not answered has failed. */
const TIMEOUT_MS = 5000;
/** A server that was stopped, or a cable that was cut, closes no connection: two missed pings do. */
const PING_MS = 5000;
const MAX_PINGS = 2;

/**
 * Connects to the cluster; from then on the connection is opened again whenever it breaks.
 *
 * @throws GatewayException if no server can be reached, or the credentials can't be read or are refused.
 */
export async function connectNats(options: NatsOptions): Promise<Nats> {
  const [transport, jetstream, { Kvm }] = await Promise.all([
    loadPeer('@nats-io/transport-node'),
    loadPeer('@nats-io/jetstream'),
    loadPeer('@nats-io/kv'),
  ]);
  const connection = await open(transport, options);
  const js = jetstream.jetstream(connection, { timeout: TIMEOUT_MS });
  // Without the check of the account, which needs a right that `run` need not have.
  const jsm = await jetstream.jetstreamManager(connection, { checkAPI: false, timeout: TIMEOUT_MS });
  const buckets = new Map<string, Promise<KV>>();
  const kvm = new Kvm(js);
  const publisher = new Publisher({ connection, transport, jetstream, timeout: TIMEOUT_MS });
  const headersOf = (fields: Readonly<Record<string, string>>): MsgHdrs => {
    const headers = transport.headers();
    for (const [name, value] of Object.entries(fields)) headers.set(name, value);
    return headers;
  };
  return {
    connection,
    js,
    jsm,
    get maxBodyBytes() {
      return Math.min(MAX_MESSAGE_BYTES, connection.info?.max_payload ?? MAX_MESSAGE_BYTES) - MAX_HEADER_BYTES;
    },
    kv(name) {
      const bucket = buckets.get(name) ?? kvm.open(name);
      buckets.set(name, bucket);
      return bucket;
    },
    headers: headersOf,
    publish: (streamName, { subject, headers, body }) =>
      publisher.publish(subject, body, headersOf({ ...headers, 'Nats-Expected-Stream': streamName })),
    async deleteMessage(streamName, sequence) {
      await jsm.streams.deleteMessage(streamName, sequence, false).catch((error: Error) => {
        if (!isGone(error)) throw error;
      });
    },
    close: () => connection.close(),
  };
}

async function open(
  transport: typeof import('@nats-io/transport-node'),
  options: NatsOptions,
): Promise<NatsConnection> {
  const resolved = { ...connectionOptions(options), ...authenticator(transport, options) };
  try {
    return await transport.connect(resolved);
  } catch (cause) {
    throw isRefusal(cause)
      ? new GatewayException(`the NATS servers refuse the credentials (${reasonOf(cause)})`, CREDENTIALS)
      : new GatewayException(`the NATS cluster can't be reached (${reasonOf(cause)})`, ADVICE, { isTemporary: true });
  }
}

/** JetStream's error about a message that is not in its stream: the code differs from version to version. */
const isGone = ({ message }: Error): boolean => /no message found/i.test(message);

const ADVICE = 'Check the addresses and the certificates, and that two of three servers run.';
const CREDENTIALS =
  'Check nats.user and nats.password (--nats-user, NIKDEV_GATEWAY_NATS_PASSWORD_FILE), nats.credentials (--nats-credentials) or the client certificate.';

/** Whether the same credentials will be refused again. A server that is busy may time out in the middle of the authentication. */
const isRefusal = (error: unknown): boolean =>
  /^(?:AuthorizationError|UserAuthenticationExpiredError)$/.test(textOf(error, 'name') ?? '') &&
  !/timeout/i.test(textOf(error, 'message') ?? '');

function connectionOptions({ servers, tls }: NatsOptions): NodeConnectionOptions {
  return {
    servers: [...servers],
    name: 'nikdev-iot gateway',
    timeout: TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: PING_MS,
    maxPingOut: MAX_PINGS,
    // The stack of each request costs time, and shows only functions of the library.
    noAsyncTraces: true,
    ...(tls && { tls }),
  };
}

function authenticator(
  { credsAuthenticator, usernamePasswordAuthenticator }: typeof import('@nats-io/transport-node'),
  { user, password, credentials }: NatsOptions,
): NodeConnectionOptions {
  if (credentials !== undefined) {
    const authenticator = credsAuthenticator(new TextEncoder().encode(credentials));
    try {
      // It reads them at each connection: here it does so to fail before the first.
      authenticator('nonce');
    } catch {
      throw new GatewayException('nats.credentials must be the content of a .creds file', CREDENTIALS);
    }
    return { authenticator };
  }
  return user === undefined ? {} : { authenticator: usernamePasswordAuthenticator(user, password ?? '') };
}

/** The code or class of an error: its message may hold the user name or an address with credentials. */
const reasonOf = (error: unknown): string => codeWord(error) ?? (error as Error | null)?.name ?? 'unknown';
