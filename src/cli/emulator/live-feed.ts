import type { ServerResponse } from 'node:http';
import type { AnsweredRequest, ReceivedEntry } from '../../emulator.js';

/** A request that was answered. */
export interface ServedRequest {
  readonly type: 'request';
  /** In Unix seconds. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** The number of entries in its body, stored or not. */
  readonly entries?: number | undefined;
}

type LiveEvent = ServedRequest | ({ readonly type: 'entry'; readonly deviceId: string } & ReceivedEntry);

/** Events that a page gets when it is opened. */
const MAX_KEPT = 300;
const MAX_PAGES = 50;

/** The requests and entries that arrive, for the pages that are open. */
export class LiveFeed {
  readonly #pages = new Set<ServerResponse>();
  readonly #kept: LiveEvent[] = [];

  /** Sends a request, and the entries that it stored. */
  add({ method, path, status, entries, stored }: AnsweredRequest): ServedRequest {
    const request: ServedRequest = {
      type: 'request',
      at: Math.floor(Date.now() / 1000),
      method,
      path,
      status,
      entries,
    };
    this.#send(request);
    for (const entry of stored?.entries.slice(-MAX_KEPT) ?? [])
      this.#send({ type: 'entry', deviceId: stored?.deviceId ?? '', ...entry });
    return request;
  }

  /** Sends the latest events to a page, and from then on each event. @returns Whether there is room for the page. */
  open(page: ServerResponse): boolean {
    if (this.#pages.size >= MAX_PAGES) return false;
    page.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
    });
    this.#pages.add(page);
    page.on('close', () => this.#pages.delete(page));
    for (const event of this.#kept) page.write(asMessage(event));
    page.flushHeaders();
    return true;
  }

  #send(event: LiveEvent): void {
    this.#kept.push(event);
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
    for (const page of this.#pages) page.write(asMessage(event));
  }
}

const asMessage = (event: LiveEvent): string => `data: ${JSON.stringify(event)}\n\n`;
