import type * as http from 'node:http';
import type * as https from 'node:https';
import type { Duplex, Readable } from 'node:stream';
import * as v from 'valibot';
import { ownObject } from '../core/model/schema.js';
import { checkOptions } from '../core/options/call-options.js';
import type { ResponseLike } from '../core/ports/web-types.js';
import { readText } from './response-text.js';

/** Certificates or keys in PEM format. */
export type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

/** Options of {@link httpFetch}. */
export interface HttpFetchOptions {
  /**
   * The certificates of the trusted authorities in PEM format, such as a private authority. They replace the default.
   *
   * @defaultValue the authorities that Node trusts
   */
  readonly ca?: Pem | undefined;
  /** The client certificate (mutual TLS) in PEM format. Default: none. */
  readonly cert?: Pem | undefined;
  /** The private key of `cert` in PEM format. Default: none. */
  readonly key?: Pem | undefined;
  /**
   * The agent of `node:http` or `node:https` that opens connections, such as an agent for a proxy.
   *
   * @defaultValue a new agent that keeps idle connections open without keeping the process alive
   */
  readonly agent?: object | undefined;
  /** The local IP address to connect from. Default: chosen by the system. */
  readonly localAddress?: string | undefined;
}

/** The options of one request of {@link httpFetch}: a subset of the options of `fetch`; all other options are ignored. */
export interface HttpFetchInit {
  /** @defaultValue `'GET'` */
  readonly method?: string | undefined;
  /** Header values by name, as an object or as pairs. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | Iterable<readonly [string, string]> | undefined;
  /** The body as text (sent in UTF-8) or bytes. Default: none. */
  readonly body?: string | Uint8Array | undefined;
  /** An `AbortSignal` that ends the request and the reading of its response. Default: none. */
  // biome-ignore lint/suspicious/noExplicitAny: each platform has its own type of an AbortSignal.
  readonly signal?: any;
}

/** The type of the function that {@link httpFetch} returns. */
export type HttpFetch = (url: string | { toString(): string }, init?: HttpFetchInit) => Promise<ResponseLike>;

/**
 * Makes a function like `fetch` over `node:http` and `node:https`, for the `fetch` option of an `Api`. It supports features that
 * the `fetch` of Node lacks: private authorities, mutual TLS, an agent for a proxy, a local address. Redirects are not followed,
 * as the new address would receive the API key, and a response body of more than 1 MiB is not read.
 *
 * @returns A function that rejects, as `fetch` does, if there is no response: with the error of the system, whose `code` is the
 * cause, or with the reason of the signal.
 * @throws `ConfigException` if an option is unknown or invalid.
 * @example
 * ```ts
 * const fetch = httpFetch({ ca: readFileSync('ca.pem'), cert: readFileSync('device.pem'), key: readFileSync('device.key') })
 * const api = new Api({ deviceId: '…', apiKey: '…', baseUrl: 'https://iot.example/api/', fetch })
 * ```
 */
export function httpFetch(options: HttpFetchOptions = {}): HttpFetch {
  const { agent, ...connection } = checkOptions(options, Options);
  const { localAddress } = connection;
  let agents: { readonly http: http.Agent; readonly https: http.Agent } | undefined;
  return async (url, init = {}) => {
    node ??= await loadModules();
    const keepAlive = { keepAlive: true };
    agents ??= {
      http: agent ?? new node.http.Agent(keepAlive),
      https: agent ?? new node.https.Agent(keepAlive),
    };
    const target = new URL(String(url));
    const { method = 'GET', headers = {} } = init;
    const request = { method, headers: Symbol.iterator in headers ? Object.fromEntries(headers) : headers };
    return send(
      target.protocol === 'https:'
        ? node.https.request(target, { ...(connection as https.RequestOptions), ...request, agent: agents.https })
        : node.http.request(target, { ...(localAddress && { localAddress }), ...request, agent: agents.http }),
      init,
      node,
    );
  };
}

/** Loaded by the first request, as these modules take longer to load than the rest of the package. */
async function loadModules() {
  const [http, https, stream, zlib] = await Promise.all([
    import('node:http'),
    import('node:https'),
    import('node:stream'),
    import('node:zlib'),
  ]);
  return { http, https, stream, zlib };
}

type Modules = Awaited<ReturnType<typeof loadModules>>;

let node: Modules | undefined;

function send(request: http.ClientRequest, { body, signal }: HttpFetchInit, modules: Modules): Promise<ResponseLike> {
  return new Promise((resolve, reject) => {
    let answer: Readable | undefined;
    const abort = (): void => {
      const reason = signal.reason ?? Object.assign(new Error('the request was aborted'), { name: 'AbortError' });
      answer?.destroy(reason);
      request.destroy(reason);
    };
    request.on('response', (response) => {
      answer = decoded(response, modules);
      resolve(responseOf(response, answer));
    });
    request.on('error', reject);
    request.on('close', () => signal?.removeEventListener('abort', abort));
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort);
    request.end(typeof body === 'string' ? bytesOf(body) : body);
  });
}

/**
 * Node joins a text with the head of the request and encodes it into a buffer of its own: two more copies of the body. Text in ASCII is
 * copied as it is, which takes a fraction of the time of encoding.
 */
const bytesOf = (text: string): Buffer =>
  Buffer.from(text, Buffer.byteLength(text) === text.length ? 'latin1' : 'utf8');

const pem = v.optional(
  v.custom<Pem>(
    (input) => (Array.isArray(input) ? input : [input]).every(isText),
    'text or bytes in PEM, or an array of them',
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
    v.custom<string>((input) => typeof input === 'string' && IP_ADDRESS.test(input), 'an IP address'),
  ),
});

const IP_ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f]{0,4}:[\da-f:.]{1,40}(?:%\w+)?)$/i;

const isText = (input: unknown): boolean => typeof input === 'string' || ArrayBuffer.isView(input);

function responseOf(message: http.IncomingMessage, body: Readable): ResponseLike {
  const response: ResponseLike = {
    status: message.statusCode ?? 0,
    headers: {
      get(name) {
        const value = message.headers[name.toLowerCase()];
        return Array.isArray(value) ? value.join(', ') : (value ?? null);
      },
    },
    body,
    redirected: false,
    async text() {
      const text = await readText(response);
      if (text === undefined) throw new RangeError('the response is longer than 1 MiB');
      return text;
    },
  };
  return response;
}

/** Some servers and proxies compress although the request does not allow it. */
function decoded(message: http.IncomingMessage, { stream, zlib }: Modules): Readable {
  const codings = codingsOf(message.headers['content-encoding']);
  if (codings.length === 0) return message;
  const isKnown = codings.length <= MAX_CODINGS && codings.every((coding) => KNOWN.test(coding));
  const steps = isKnown ? codings.reverse().flatMap((coding) => decodersOf(coding, zlib)) : [textOnly(codings)];
  // An error of any stream destroys all of them and ends the reading of the body.
  return stream.pipeline([message, ...steps] as unknown as [Readable, Duplex], () => {}) as Duplex;
}

/** @returns The content codings in the order in which they were applied. */
const codingsOf = (header = ''): string[] =>
  header
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');

/** Each decoder takes memory, and a server may name thousands of codings; the `fetch` of Node has the same limit. */
const MAX_CODINGS = 5;
const KNOWN = /^(?:(?:x-)?gzip|deflate|br)$/;

type Pieces = AsyncIterable<Uint8Array>;
type Decoder = Duplex | ((pieces: Pieces) => Pieces);

/** As in the `fetch` of Node, a body may be empty or lack its trailer: the flush at its end demands no more. */
function decodersOf(coding: string, zlib: Modules['zlib']): Decoder[] {
  const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH } = zlib.constants;
  if (coding === 'br') return [zlib.createBrotliDecompress({ finishFlush: BROTLI_OPERATION_FLUSH })];
  const options = { finishFlush: Z_SYNC_FLUSH };
  return coding === 'deflate' ? [withZlibHeader, zlib.createInflate(options)] : [zlib.createGunzip(options)];
}

/** Some servers send raw deflate, which lacks the header that begins with the method 8 in its low four bits. */
async function* withZlibHeader(pieces: Pieces): Pieces {
  let isFirst = true;
  for await (const piece of pieces) {
    if (isFirst && ((piece[0] ?? 0) & 0x0f) !== 8) yield ZLIB_HEADER;
    isFirst = false;
    yield piece;
  }
}

const ZLIB_HEADER = Uint8Array.of(0x78, 0x01);

/**
 * Passes UTF-8 only: some servers name a charset or a format as their coding, but a body that can not be read may be the page of a
 * portal, which must not count as a success.
 */
const textOnly = (codings: readonly string[]) =>
  async function* (pieces: Pieces): Pieces {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const check = (piece?: Uint8Array): void => {
      try {
        decoder.decode(piece, { stream: piece !== undefined });
      } catch {
        throw new SyntaxError(`the content-encoding "${codings.join(', ')}" is unknown`);
      }
    };
    for await (const piece of pieces) {
      check(piece);
      yield piece;
    }
    check();
  };
