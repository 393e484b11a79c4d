import * as v from 'valibot';
import { isInsecure, isServerUrl, normalizedUrl } from '../core/model/base-url.js';
import { ownObject } from '../core/model/schema.js';
import { DEFAULTS } from '../core/options/options.js';
import type { FetchLike } from '../core/ports/web-types.js';
import { faultOf } from '../http/schema-issue.js';
import { GatewayException } from './gateway-exception.js';
import { parseSecrets, type Secrets } from './keys/secret.js';
import { MAX_PARTITIONS } from './names.js';
import type { NatsOptions } from './nats.js';
import type { GatewayLogger } from './operations/logs.js';

/** How to reach the NATS cluster. Certificates and credentials are texts, not paths of files. */
export interface GatewayNatsOptions {
  /**
   * The URLs of the servers, such as `nats://10.0.0.1:4222`, or `tls://…`. A server on another machine needs TLS and credentials.
   *
   * @defaultValue `['nats://127.0.0.1:4222']`
   */
  readonly servers?: readonly string[] | undefined;
  /** The user. Excludes `credentials`. Default: none. */
  readonly user?: string | undefined;
  /** The password of `user`. Default: none. */
  readonly password?: string | undefined;
  /** The content of a `.creds` file. Excludes `user`. Default: none. */
  readonly credentials?: string | undefined;
  /** The authorities that sign the servers' certificates, in PEM; switches to TLS. Default: those of the system. */
  readonly ca?: string | undefined;
  /** The certificate of the gateway, in PEM, with `key`. Default: none. */
  readonly cert?: string | undefined;
  /** The private key of `cert`, in PEM. Default: none. */
  readonly key?: string | undefined;
}

/** The options of `createGateway`. */
export interface GatewayOptions {
  /** How to reach the NATS cluster. Default: a server on this machine. */
  readonly nats?: GatewayNatsOptions | undefined;
  /** 32 bytes in base64, the same for all gateways of a cluster; `NEW,OLD` rotates it. */
  readonly secret: string;
  /**
   * The URL of the NikDev server that uploads are forwarded to; https, or on this machine.
   *
   * @defaultValue `https://iot.nik-dev.se/api/v1/`
   */
  readonly upstream?: string | undefined;
  /** Makes the requests to upstream, such as `httpFetch` of `nikdev-iot/node`. Default: the platform's `fetch`. */
  readonly fetch?: FetchLike | undefined;
  /** The expected number of partitions: a cluster with another number is refused. Default: any number. */
  readonly partitions?: number | undefined;
  /**
   * Whether this gateway forwards uploads, too, instead of accepting them only.
   *
   * @defaultValue `true`
   */
  readonly worker?: boolean | undefined;
  /** Where events are logged, such as a pino logger. Default: nowhere. */
  readonly logger?: GatewayLogger | undefined;
}

/** The options of `initGateway`. */
export interface GatewayInitOptions {
  /** How to reach the NATS cluster. Default: a server on this machine. */
  readonly nats?: GatewayNatsOptions | undefined;
  /**
   * Copies of each message: 1, 3 or 5, on as many servers.
   *
   * @defaultValue `3`
   */
  readonly replicas?: number | undefined;
  /**
   * How many uploads are forwarded at once, from 1 to 1024. It can't be changed.
   *
   * @defaultValue `64`
   */
  readonly partitions?: number | undefined;
  /**
   * The size of the queue in bytes, from 1 MB; with the parked messages, quarantine, marks and keys 1.8 times of it are reserved.
   *
   * @defaultValue `10_000_000_000`
   */
  readonly maxBytes?: number | undefined;
  /**
   * How many uploads of one device the queue takes, from 1.
   *
   * @defaultValue `10_000`
   */
  readonly maxMessagesPerDevice?: number | undefined;
}

const DEFAULT_SERVERS = ['nats://127.0.0.1:4222'];
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Whether a hostname, as in a URL, leads to this machine. */
export const isLoopback = (hostname: string): boolean => LOOPBACK.test(hostname);

const text = v.optional(v.pipe(v.string('a text'), v.nonEmpty('a text')));
const whole = (min: number, max: number) => {
  const wanted = `a whole number from ${min} to ${max}`;
  return v.pipe(v.number(wanted), v.integer(wanted), v.minValue(min, wanted), v.maxValue(max, wanted));
};
const natsUrl = v.custom<string>(isNatsUrl, 'a URL (nats://, tls://)');

const NatsSchema = ownObject(
  {
    servers: v.pipe(v.array(natsUrl, 'a list of URLs'), v.nonEmpty('a list of URLs')),
    user: text,
    password: text,
    credentials: text,
    ca: text,
    cert: text,
    key: text,
  },
  { defaults: { servers: DEFAULT_SERVERS } },
);

const isObjectOrFunction = (input: unknown): boolean => typeof input === 'object' || typeof input === 'function';
const count = whole(1, MAX_PARTITIONS);

const Options = ownObject(
  {
    nats: NatsSchema,
    secret: v.string('a text'),
    upstream: v.custom<string>(isServerUrl, 'an https URL without user name, password, query and fragment'),
    fetch: v.optional(v.custom<FetchLike>((input) => typeof input === 'function', 'a function')),
    partitions: v.optional(count),
    worker: v.boolean('true or false'),
    logger: v.optional(v.custom<GatewayLogger>(isObjectOrFunction, 'a logger')),
  },
  { defaults: { nats: {}, upstream: DEFAULTS.baseUrl, worker: true } },
);

const InitOptions = ownObject(
  {
    nats: NatsSchema,
    replicas: v.picklist([1, 3, 5], '1, 3 or 5'),
    partitions: count,
    maxBytes: whole(1_000_000, Number.MAX_SAFE_INTEGER),
    maxMessagesPerDevice: whole(1, 1_000_000_000),
  },
  { defaults: { nats: {}, replicas: 3, partitions: 64, maxBytes: 10_000_000_000, maxMessagesPerDevice: 10_000 } },
);

/** Complete options of a gateway. */
export interface ResolvedOptions {
  readonly nats: NatsOptions;
  readonly secrets: Secrets;
  /** Ends with `/`. */
  readonly upstream: string;
  readonly fetch: FetchLike | undefined;
  readonly partitions: number | undefined;
  readonly worker: boolean;
  readonly logger: GatewayLogger | undefined;
}

/** @throws GatewayException naming the invalid option, without its value. */
export function resolveGatewayOptions(options: GatewayOptions): ResolvedOptions {
  const { nats, secret, upstream, fetch, partitions, worker, logger } = check(Options, options);
  const baseUrl = normalizedUrl(upstream);
  if (isInsecure(baseUrl))
    throw new GatewayException(
      'upstream must be https beyond this machine: plain http shows the API keys to the network',
      'Use https, or a TLS proxy on this machine.',
    );
  const secrets = parseSecrets(secret);
  return { nats: natsOf(nats), secrets, upstream: baseUrl, fetch, partitions, worker, logger };
}

/** @throws GatewayException naming the invalid option, without its value. */
export function resolveInitOptions(options: GatewayInitOptions) {
  const { nats, ...sizes } = check(InitOptions, options);
  return { nats: natsOf(nats), ...sizes };
}

/** @throws GatewayException naming the invalid option, without its value. */
export const resolveNatsOptions = (nats: GatewayNatsOptions = {}): NatsOptions =>
  natsOf(check(ownObject({ nats: NatsSchema }), { nats }).nats);

function check<Output>(schema: v.GenericSchema<unknown, Output>, options: unknown): Output {
  const result = v.safeParse(schema, options);
  if (result.success) return result.output;
  throw new GatewayException(faultOf(result.issues, 'the options'), 'See docs/gateway.md.');
}

function natsOf(given: v.InferOutput<typeof NatsSchema>): NatsOptions {
  const { servers, user, password, credentials, ca, cert, key } = given;
  const urls = servers.map((server) => new URL(server));
  if (urls.some(({ username, password }) => username !== '' || password !== ''))
    throw new GatewayException('nats.servers must not hold credentials: URLs end up in logs', CREDENTIALS);
  if (user !== undefined && credentials !== undefined)
    throw new GatewayException('nats.user and nats.credentials exclude each other', 'Set one of them.');
  if ((cert === undefined) !== (key === undefined))
    throw new GatewayException('nats.cert and nats.key must be set together', 'Set both, or none.');
  const isTls = ca !== undefined || cert !== undefined || urls.some(({ protocol }) => protocol === 'tls:');
  const hasCredentials = user !== undefined || credentials !== undefined || cert !== undefined;
  if (!urls.every(({ hostname }) => isLoopback(hostname)) && !(isTls && hasCredentials))
    throw new GatewayException('NATS on another machine needs TLS and credentials', CREDENTIALS);
  return {
    servers: urls.map(({ host }) => host),
    user,
    password,
    credentials,
    tls: isTls ? { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } : undefined,
  };
}

const CREDENTIALS =
  'Use tls:// URLs, and nats.credentials (NIKDEV_GATEWAY_NATS_CREDENTIALS_FILE), or nats.user with nats.password (NIKDEV_GATEWAY_NATS_USER, NIKDEV_GATEWAY_NATS_PASSWORD_FILE).';

function isNatsUrl(input: unknown): boolean {
  try {
    const { protocol, search, hash } = new URL(input as string);
    return (protocol === 'nats:' || protocol === 'tls:') && search === '' && hash === '';
  } catch {
    return false;
  }
}
