import { answerPreflight, isPreflight, withCommonHeaders } from '../../http/cors.js';
import { type HttpRequest, type HttpResponse, json } from '../../http/message.js';
import { createRoutes, type Routes } from '../../http/routes.js';
import type { Store } from '../../http/store.js';
import type { GatewayNews } from '../news.js';
import type { Health } from '../operations/health.js';
import { Slots } from './slots.js';
import { unavailable } from './unavailable.js';

export interface FrontParts {
  readonly store: Store;
  readonly health: Health;
  readonly news: GatewayNews;
  readonly maxBodyBytes: number;
}

/** Requests under way at once. Each upload takes up to 2 MiB. */
const MAX_UPLOADS = 256;
const MAX_READS = 256;
/**
 * A device sends one upload after another: slow bodies of one sender must not take the slots of all, and those of a stranger with
 * another key not the slots of the device.
 */
const MAX_OF_SENDER = 8;

/** Answers the requests of devices, and of those who watch the gateway. */
export class Front {
  readonly #parts: FrontParts;
  readonly #routes: Routes;
  readonly #uploads = new Slots(MAX_UPLOADS, MAX_OF_SENDER);
  readonly #reads = new Slots(MAX_READS, MAX_OF_SENDER);
  #isClosing = false;

  constructor(parts: FrontParts) {
    this.#parts = parts;
    this.#routes = createRoutes(parts.store, parts.maxBodyBytes);
  }

  /** From now on, uploads get 503: devices keep them, and come back to another gateway. */
  close(): void {
    this.#isClosing = true;
  }

  /** Resolves once no upload is under way. */
  idle(): Promise<void> {
    return this.#uploads.idle();
  }

  async answer(request: HttpRequest): Promise<HttpResponse> {
    const response = await this.#respond(request).catch(() => unavailable());
    if (response.status >= 400) this.#parts.news.emit('rejected', { status: response.status });
    return withCommonHeaders(response, Date.now());
  }

  async #respond(request: HttpRequest): Promise<HttpResponse> {
    if (request.path === '/healthz') return json(200, { status: 'ok' });
    if (request.path === '/readyz') return this.#answerReady();
    if (isPreflight(request)) return answerPreflight();
    if (this.#isClosing) return unavailable();
    const slots = request.method === 'POST' ? this.#uploads : this.#reads;
    const sender = `${request.header('x-device-id')?.toLowerCase()} ${request.header('x-api-key')}`;
    return slots.run(sender, async () => (await this.#routes(request)).answer()) ?? unavailable();
  }

  #answerReady(): HttpResponse {
    const { readiness } = this.#parts.health;
    return readiness.isReady
      ? json(200, { status: 'ready' })
      : json(503, { status: 'not ready', reason: readiness.reason });
  }
}
