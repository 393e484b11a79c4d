import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Emulator } from '../../emulator.js';
import { drawFault, type LikelyFault } from './faults.js';
import type { LiveFeed } from './live-feed.js';
import { livePage, pageHeaders } from './live-page.js';

export interface EmulatorServerOptions {
  readonly faults: readonly LikelyFault[];
  /** The address that it listens on. */
  readonly host: string;
  /** Has what the emulator receives. */
  readonly feed: LiveFeed;
}

const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);
const API = '/api/v1/';

/** An emulator as an HTTP server, with a page that shows what arrives. */
export class EmulatorServer {
  readonly server: Server;
  readonly #emulator: Emulator;
  readonly #options: EmulatorServerOptions;

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
    if (url === '/events') {
      if (!this.#options.feed.open(response)) end(response, 503, 'Too many pages are open.');
      return;
    }
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
    const answer = await this.#emulator.fetch(url, {
      method,
      headers: request.headers as Record<string, string>,
      signal: ending.signal,
      ...(method === 'POST' && { body: Readable.toWeb(request) }),
    });
    // Of a body that was refused, nothing more is read: its connection ends, and no client may send another request on it.
    if (!request.complete) response.setHeader('connection', 'close').on('finish', () => request.destroy());
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body === null) response.end();
    // A body that breaks off: so does the connection.
    else
      Readable.fromWeb(answer.body as never)
        .on('error', () => response.destroy())
        .pipe(response);
  }
}

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

function end(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    .end(`${text}\n`);
}
