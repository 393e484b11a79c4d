import * as http from 'node:http';
import * as https from 'node:https';
import { isIP } from 'node:net';
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import * as v from 'valibot';
import { ownObject } from '../core/model/schema.js';
import { checkOptions } from '../core/options/call-options.js';
import type { FetchResponse } from '../core/ports/web-types.js';

/** A certificate or key in PEM, or several. */
type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

/** How {@link httpFetch} connects. */
export interface HttpFetchOptions {
  /**
   * Certificates of the authorities to trust, in PEM, such as that of a private authority.
   *
   * @defaultValue the authorities that Node trusts
   */
  readonly ca?: Pem | undefined;
  /** The certificate that the client presents (mutual TLS), in PEM. */
  readonly cert?: Pem | undefined;
  /** The private key of `cert`, in PEM. */
  readonly key?: Pem | undefined;
  /**
   * The agent of `node:http` or `node:https` that makes the connections, such as a proxy's.
   *
   * @defaultValue an agent of its own, which keeps idle connections open without keeping the process alive
   */
  readonly agent?: object | undefined;
  /** The local IP address to connect from. */
  readonly localAddress?: string | undefined;
}

/** The options of one request of {@link httpFetch}: those of `fetch` that it knows; it ignores all others. */
export interface HttpFetchInit {
  /** @defaultValue `'GET'` */
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | Iterable<readonly [string, string]> | undefined;
  readonly body?: string | Uint8Array | undefined;
  /** Aborts the request, and the reading of its response. */
  // biome-ignore lint/suspicious/noExplicitAny: each platform has its own type of an AbortSignal.
  readonly signal?: any;
}

/** The type of the function that {@link httpFetch} makes. */
export type HttpFetch = (url: string | { toString(): string }, init?: HttpFetchInit) => Promise<FetchResponse>;

/**
 * A function like `fetch` over `node:http` and `node:https`, for the `fetch` option of an `Api`. It does what the `fetch` of
 * Node can't: private authorities, mutual TLS, the agent of a proxy, a local address. Redirects are not followed, as the API
 * key would go along, and a text of more than 1 MiB is not read.
 *
 * @returns A function that rejects, as `fetch` does, if there is no response: with the error of the system, whose `code` says
 * why, or with the reason of the signal.
 * @throws {@link ConfigException} if an option can't be used.
 * @example
 * ```ts
 * const fetch = httpFetch({ ca: readFileSync('ca.pem'), cert: readFileSync('device.pem'), key: readFileSync('device.key') })
 * const api = new Api({ deviceId: '…', apiKey: '…', baseUrl: 'https://iot.example/api/', fetch })
 * ```
 */
export function httpFetch(options: HttpFetchOptions = {}): HttpFetch {
  const { agent, ...connection } = checkOptions(options, Options);
  const secure = { ...connection, agent: agent ?? new https.Agent({ keepAlive: true }) } as https.RequestOptions;
  const plain = {
    localAddress: connection.localAddress,
    agent: agent ?? new http.Agent({ keepAlive: true }),
  } as http.RequestOptions;
  return (url, init = {}) =>
    new Promise((resolve, reject) => {
      const target = new URL(String(url));
      const { method = 'GET', headers = {}, body, signal } = init;
      const how = { method, headers: Symbol.iterator in headers ? Object.fromEntries(headers) : headers };
      const request =
        target.protocol === 'https:'
          ? https.request(target, { ...secure, ...how })
          : http.request(target, { ...plain, ...how });
      let answer: Readable | undefined;
      const abort = (): void => {
        const reason = signal.reason ?? Object.assign(new Error('the request was aborted'), { name: 'AbortError' });
        answer?.destroy(reason);
        request.destroy(reason);
      };
      request.on('response', (response) => {
        answer = decoded(response);
        resolve(responseOf(response, answer));
      });
      request.on('error', reject);
      request.on('close', () => signal?.removeEventListener('abort', abort));
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort);
      request.end(body);
    });
}

const pem = v.optional(
  v.custom<Pem>(
    (input) => (Array.isArray(input) ? input : [input]).every(isText),
    'a text or bytes in PEM, or an array of those',
  ),
);

const Options = ownObject({
  ca: pem,
  cert: pem,
  key: pem,
  agent: v.optional(
    v.custom<http.Agent>(
      (input) => typeof (input as { addRequest?: unknown } | null)?.addRequest === 'function',
      'an http.Agent',
    ),
  ),
  localAddress: v.optional(
    v.custom<string>((input) => typeof input === 'string' && isIP(input) !== 0, 'an IP address'),
  ),
});

const isText = (input: unknown): boolean => typeof input === 'string' || ArrayBuffer.isView(input);

const MAX_TEXT_BYTES = 1024 * 1024;

function responseOf(message: http.IncomingMessage, body: Readable): FetchResponse {
  return {
    status: message.statusCode ?? 0,
    headers: {
      get(name) {
        const value = message.headers[name.toLowerCase()];
        return Array.isArray(value) ? value.join(', ') : (value ?? null);
      },
    },
    body,
    redirected: false,
    text: () => textOf(body),
  };
}

/** Some servers and proxies compress though the request does not allow it. */
function decoded(message: http.IncomingMessage): Readable {
  const decoder = DECODERS[message.headers['content-encoding']?.toLowerCase() ?? ''];
  // An error of either destroys both, and ends the reading of the body.
  return decoder === undefined ? message : pipeline(message, decoder(), () => {});
}

const DECODERS: Readonly<Record<string, (() => NodeJS.ReadWriteStream & Readable) | undefined>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

async function textOf(body: Readable): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MAX_TEXT_BYTES) throw new RangeError('the response is longer than 1 MiB');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}
