import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { codeWord } from '../core/model/foreign-text.js';
import { createFrontServer, type ServerCertificate } from './front/http-server.js';
import { createInternalGateway, type Gateway } from './gateway.js';
import { GatewayException } from './gateway-exception.js';
import { LogOutput } from './operations/log-output.js';
import type { GatewayLogger } from './operations/logs.js';
import { type GatewayOptions, isLoopback } from './options.js';
import { loadPeer } from './peers.js';

/** The options of `serveGateway`, besides those of the gateway. */
export interface ServeOptions extends GatewayOptions {
  /**
   * The address to listen on. Beyond this machine, `tls` or `behindProxy` is needed: requests carry API keys.
   *
   * @defaultValue `127.0.0.1`
   */
  readonly host?: string | undefined;
  /**
   * The port; 0 for any.
   *
   * @defaultValue `8080`
   */
  readonly port?: number | undefined;
  /**
   * The port of the metrics, on 127.0.0.1; 0 for any.
   *
   * @defaultValue `9464`
   */
  readonly metricsPort?: number | undefined;
  /** A certificate and its private key, in PEM, to serve https. Default: plain http. */
  readonly tls?: ServerCertificate | undefined;
  /**
   * Whether a proxy in front ends TLS, so that plain http on another address than this machine's is fine.
   *
   * @defaultValue `false`
   */
  readonly behindProxy?: boolean | undefined;
  /**
   * The level of the JSON lines on standard output, if no `logger` is given.
   *
   * @defaultValue `info`
   */
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent' | undefined;
}

/** A gateway that listens. */
export interface GatewayServer {
  /** The URL of the gateway; a device's `baseUrl` is this with `api/v1/`. */
  readonly url: string;
  /** The URL of the metrics. */
  readonly metricsUrl: string;
  /**
   * Stops accepting, finishes what is under way within 10 s, and closes all connections.
   *
   * @example
   * ```ts
   * const server = await serveGateway({ secret: process.env.NIKDEV_GATEWAY_SECRET ?? '' })
   * process.once('SIGTERM', () => server.close())
   * ```
   */
  close(): Promise<void>;
}

/**
 * Starts a gateway as an HTTP server, as `nikdev-iot gateway run` does: with logs, metrics on a port of this machine, and limits of
 * time and connections.
 *
 * @throws GatewayException if it can't start.
 * @example
 * ```ts
 * const { url, close } = await serveGateway({ secret: process.env.NIKDEV_GATEWAY_SECRET ?? '', port: 8080 })
 * ```
 */
export async function serveGateway(options: ServeOptions): Promise<GatewayServer> {
  const { host = '127.0.0.1', port = 8080, metricsPort = 9464, tls, behindProxy, logLevel, ...given } = options;
  if (!isLoopback(host.includes(':') ? `[${host}]` : host) && !tls && !behindProxy)
    throw new GatewayException(
      'beyond this machine the gateway needs TLS: requests carry API keys',
      'Set tls (--tls-cert, --tls-key), or behindProxy (--behind-proxy) if a proxy terminates TLS.',
    );
  // Nothing is started before: a gateway that can't listen must not forward.
  if (tls !== undefined) checkCertificate(tls);
  const gateway = createInternalGateway({ ...given, logger: given.logger ?? (await createLogger(logLevel)) });
  const servers = [createFrontServer(gateway.answer, tls), createMetricsServer(gateway)] as const;
  try {
    await gateway.ready;
    // Fails here if the package is missing, not at the first scrape.
    await gateway.metrics();
    const url = await listen(servers[0], port, host);
    const metricsUrl = await listen(servers[1], metricsPort, '127.0.0.1');
    return {
      url: `http${tls ? 's' : ''}://${url}/`,
      metricsUrl: `http://${metricsUrl}/metrics`,
      close: () => closeAll(gateway, servers),
    };
  } catch (error) {
    await closeAll(gateway, servers);
    throw error;
  }
}

/** @throws GatewayException if the certificate or its key can't be read, or they don't belong together. */
function checkCertificate(certificate: ServerCertificate): void {
  try {
    createSecureContext(certificate);
  } catch (error) {
    throw new GatewayException(
      `the certificate for https or its private key can't be used (${codeWord(error) ?? 'not in PEM'})`,
      'Both must be in PEM and belong together (--tls-cert, --tls-key). Nothing was started.',
    );
  }
}

async function createLogger(level = 'info'): Promise<GatewayLogger> {
  const { pino } = await loadPeer('pino');
  // By default pino repeats, without end, a line that a full disk does not take, and so keeps the process from ending.
  return pino({ name: 'nikdev-iot-gateway', level }, new LogOutput()) as GatewayLogger;
}

function createMetricsServer(gateway: Gateway): Server {
  return createServer(async ({ url, method }, response) => {
    if (url !== '/metrics' || method !== 'GET') return void response.writeHead(404).end();
    const metrics = await gateway.metrics().catch(() => undefined);
    if (metrics === undefined) return void response.writeHead(503).end();
    response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' }).end(metrics.text);
  });
}

async function listen(server: Server, port: number, host: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      reject(
        new GatewayException(`port ${port} of ${host} can't be used (${code})`, 'Choose another port or address.'),
      ),
    );
    server.listen(port, host, resolve);
  });
  const { port: bound, address, family } = server.address() as AddressInfo;
  return `${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
}

async function closeAll(gateway: Gateway, servers: readonly Server[]): Promise<void> {
  for (const server of servers) server.close();
  await gateway.close();
  for (const server of servers) server.closeAllConnections();
}
