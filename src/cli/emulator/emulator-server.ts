import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Emulator, ReceivedEntry } from '../../emulator.js';
import { drawFault, type LikelyFault } from './faults.js';
import { livePage, pageHeaders } from './live-page.js';

/** A request that was answered. */
export interface ServedRequest {
  readonly type: 'request';
  /** In Unix seconds. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly entries?: number | undefined;
}

type LiveEvent = ServedRequest | ({ readonly type: 'entry'; readonly deviceId: string } & ReceivedEntry);

export interface EmulatorServerOptions {
  readonly faults: readonly LikelyFault[];
  /** The address that it listens on. */
  readonly host: string;
  onRequest(request: ServedRequest): void;
}

/** Events that a page gets when it is opened. */
const MAX_KEPT = 300;
const MAX_PAGES = 50;
/** As the emulator: more is not read of a body. */
const MAX_BODY_BYTES = 1_048_576;
const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);
const API = '/api/v1/';

/** An emulator as an HTTP server, with a page that shows what arrives. */
export class EmulatorServer {
  readonly server: Server;
  readonly #emulator: Emulator;
  readonly #options: EmulatorServerOptions;
  readonly #pages = new Set<ServerResponse>();
  readonly #kept: LiveEvent[] = [];

  constructor(emulator: Emulator, options: EmulatorServerOptions) {
    this.#emulator = emulator;
    this.#options = options;
    this.server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    if (!this.#isOwnHost(request.headers.host)) return end(response, 421, 'This server has another name.');
    if (url.startsWith(API)) return this.#emulate(request, response, method, url);
    if (method !== 'GET') return end(response, 405, 'Only GET is allowed here.');
    if (url === '/events') return this.#openPage(response);
    if (url !== '/') return end(response, 404, 'There is nothing at this path.');
    const nonce = randomBytes(16).toString('base64');
    response.writeHead(200, pageHeaders(nonce)).end(livePage(nonce));
  }

  /** Pages of other names, which lead here by DNS, must not read what arrives. */
  #isOwnHost(host: string | undefined): boolean {
    const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
    const { host: own } = this.#options;
    // An address cannot be rebound, a name can.
    return (
      LOOPBACK_HOSTS.has(name) || name === own || (!isLoopback(own) && /^(?:\d+(?:\.\d+){3}|\[[\da-f:]+\])$/.test(name))
    );
  }

  async #emulate(request: IncomingMessage, response: ServerResponse, method: string, url: string): Promise<void> {
    const ending = new AbortController();
    response.on('close', () => ending.abort());
    const fault = method === 'OPTIONS' ? undefined : drawFault(this.#options.faults);
    if (fault !== undefined) this.#emulator.script(fault);
    const body = new CollectedBody(request);
    const answer = await this.#emulator.fetch(`http://${this.#options.host}${url}`, {
      method,
      headers: request.headers as Record<string, string>,
      signal: ending.signal,
      ...(method === 'POST' && { body: body.stream }),
    });
    this.#note({ method, path: url.slice(0, 2000), status: answer.status }, request, body);
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body === null) response.end();
    // A body that breaks off: so does the connection.
    else
      Readable.fromWeb(answer.body as never)
        .on('error', () => response.destroy())
        .pipe(response);
    // Of a body that was refused, nothing more is read.
    if (!request.complete) response.on('finish', () => request.destroy());
  }

  #note(
    seen: Pick<ServedRequest, 'method' | 'path' | 'status'>,
    { headers }: IncomingMessage,
    body: CollectedBody,
  ): void {
    if (seen.method === 'OPTIONS') return;
    const entries = seen.method === 'POST' && seen.status === 200 ? body.entries() : undefined;
    const request: ServedRequest = {
      type: 'request',
      at: Math.floor(Date.now() / 1000),
      ...seen,
      entries: entries?.length,
    };
    this.#options.onRequest(request);
    this.#send(request);
    const deviceId = String(headers['x-device-id']).toLowerCase();
    for (const entry of entries?.slice(-MAX_KEPT) ?? []) this.#send({ type: 'entry', deviceId, ...entry });
  }

  #openPage(response: ServerResponse): void {
    if (this.#pages.size >= MAX_PAGES) {
      end(response, 503, 'Too many pages are open.');
      return;
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
    });
    this.#pages.add(response);
    response.on('close', () => this.#pages.delete(response));
    for (const event of this.#kept) response.write(asMessage(event));
    response.flushHeaders();
  }

  #send(event: LiveEvent): void {
    this.#kept.push(event);
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
    for (const page of this.#pages) page.write(asMessage(event));
  }
}

/** The body of an upload: the emulator reads it, and it is kept for the page. */
class CollectedBody {
  readonly stream: ReadableStream;
  readonly #chunks: Buffer[] = [];

  constructor(request: IncomingMessage) {
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) this.#chunks.push(chunk);
    });
    request.pause();
    this.stream = Readable.toWeb(request) as ReadableStream;
  }

  /** The entries of an upload that was stored. */
  entries(): ReceivedEntry[] {
    const { entries } = JSON.parse(Buffer.concat(this.#chunks).toString()) as {
      entries: { timestamp: number; values: Record<string, string>[] }[];
    };
    return entries.map(({ timestamp, values }) => ({
      timestamp,
      values: values.flatMap((value) => Object.entries(value).map(([fieldId, of]) => ({ fieldId, value: of }))),
    }));
  }
}

const asMessage = (event: LiveEvent): string => `data: ${JSON.stringify(event)}\n\n`;

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

function end(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    .end(`${text}\n`);
}
