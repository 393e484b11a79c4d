import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Readable } from 'node:stream';
import { Bytes } from '../../http/bytes.js';
import type { HttpRequest, HttpResponse } from '../../http/message.js';

/** A function that answers requests. */
export type Answer = (request: HttpRequest) => Promise<HttpResponse>;

/** A certificate and its private key, in PEM. */
export interface ServerCertificate {
  /** The certificate, with those of intermediate authorities. */
  readonly cert: string;
  /** The private key. */
  readonly key: string;
}

const LIMITS: ServerOptions = {
  maxHeaderSize: 16_384,
  // A client that sends slowly, or nothing, occupies a connection for so long.
  headersTimeout: 10_000,
  requestTimeout: 130_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5000,
};
const MAX_CONNECTIONS = 10_000;
const MAX_SMALL_BYTES = 1_048_576;

/** Serves requests of devices. @param certificate - Absent for plain HTTP. */
export function createFrontServer(answer: Answer, certificate?: ServerCertificate): Server {
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    respond(answer, request, response).catch(() => response.destroy());
  };
  const server = certificate ? createTlsServer({ ...LIMITS, ...certificate }, handle) : createServer(LIMITS, handle);
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

async function respond(answer: Answer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, headers, body } = await answer(ofIncoming(request));
  const isEnding = !request.complete && !isSmall(request);
  response.writeHead(status, isEnding ? { ...headers, connection: 'close' } : headers);
  if (isEnding) response.on('finish', () => request.destroy());
  response.end(body);
}

/**
 * Node reads the rest of a body that was refused, and drops it. Of a small one it may: a connection that is ended with bytes unread is
 * reset, which may overtake the response.
 */
const isSmall = ({ headers }: IncomingMessage): boolean =>
  Number(headers['content-length'] ?? 'unknown') <= MAX_SMALL_BYTES;

/** The query is cut off, as by a URL. */
function ofIncoming(request: IncomingMessage): HttpRequest {
  const { method = 'GET', url = '/' } = request;
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  return {
    method,
    path: url.split('?', 1)[0] ?? '/',
    header,
    body: () => (isSmall(request) ? collect(request) : (Readable.toWeb(request) as ReadableStream<Uint8Array>)),
  };
}

/** Node ends a request whose body is longer than it says. A stream of the web takes several times as long. */
function collect(request: IncomingMessage): Promise<Uint8Array> {
  const bytes = new Bytes();
  return new Promise((resolve, reject) => {
    request
      .on('data', (chunk: Buffer) => bytes.add(chunk))
      .on('end', () => resolve(bytes.value))
      .on('error', reject)
      .on('close', () => reject(new Error('the connection was closed')));
  });
}
