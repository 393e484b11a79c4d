import type { HttpRequest, HttpResponse } from '../http/message.js';
import { Front } from './front/front.js';
import { StreamStore } from './front/stream-store.js';
import { requestOf, responseOf } from './front/web-message.js';
import { KeyChecker } from './keys/key-checker.js';
import { KeyRecords } from './keys/key-records.js';
import { KeyStore } from './keys/key-store.js';
import { connectNats, type Nats } from './nats.js';
import { checkNeeds, needsOf } from './needs.js';
import { GatewayNews } from './news.js';
import { Counts } from './operations/counts.js';
import { Health } from './operations/health.js';
import { logNews } from './operations/logs.js';
import { createMetrics, type Metrics } from './operations/metrics.js';
import { QueueDepth } from './operations/queue-depth.js';
import { type GatewayOptions, type ResolvedOptions, resolveGatewayOptions } from './options.js';
import { readSettings } from './settings.js';
import { Upstream } from './upstream.js';
import { createWorker, type Worker } from './worker/worker.js';

/** The metrics of a gateway at a moment. */
export interface GatewayMetrics {
  /** The content type of the text. */
  readonly contentType: string;
  /** The metrics in the text format of Prometheus. */
  readonly text: string;
}

/** A gateway, made by {@link createGateway}. */
export interface Gateway {
  /**
   * Answers a request: the wire under `/api/v1/`, and `/healthz` and `/readyz`. Pass it to a server that takes a fetch handler.
   * Rejects with the {@link GatewayException} of {@link Gateway.ready} if the gateway could not start.
   *
   * @example
   * ```ts
   * Bun.serve({ fetch: gateway.fetch, port: 8080, hostname: '127.0.0.1' })
   * ```
   */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Resolves once the gateway is connected and works; rejects with a {@link GatewayException} if it can't. */
  readonly ready: Promise<void>;
  /**
   * The metrics in the format of Prometheus, counted from the creation of the gateway on. Rejects with a {@link GatewayException}
   * if the package `prom-client` is missing, or the gateway could not start.
   *
   * @example
   * ```ts
   * const { text, contentType } = await gateway.metrics()
   * ```
   */
  metrics(): Promise<GatewayMetrics>;
  /**
   * Refuses further uploads, finishes those under way within 10 s, and disconnects.
   *
   * @example
   * ```ts
   * process.once('SIGTERM', () => gateway.close())
   * ```
   */
  close(): Promise<void>;
}

/** The parts of a gateway that runs. */
interface Running {
  readonly nats: Nats;
  readonly front: Front;
  readonly health: Health;
  readonly depth: QueueDepth;
  readonly worker: Worker | undefined;
}

/** A gateway with its internal handler of requests. */
export interface InternalGateway extends Gateway {
  /** As `fetch`, without the objects of the platform. */
  answer(request: HttpRequest): Promise<HttpResponse>;
  readonly news: GatewayNews;
}

/** Uploads under way are finished within 10 s, the end of the connection included. */
const FINISH_MS = 9000;

/**
 * Makes a gateway: it answers uploads with 202 once they are replicated in NATS JetStream, and forwards them to a NikDev server. The
 * streams must exist: see {@link initGateway}.
 *
 * @throws GatewayException naming an invalid option.
 *
 * @example
 * ```ts
 * import { createGateway } from 'nikdev-iot/gateway'
 * import { serve } from '@hono/node-server'
 *
 * const gateway = createGateway({ secret: process.env.NIKDEV_GATEWAY_SECRET ?? '' })
 * await gateway.ready
 * serve({ fetch: gateway.fetch, port: 8080, hostname: '127.0.0.1' })
 * ```
 */
export const createGateway = (options: GatewayOptions): Gateway => createInternalGateway(options);

/** As {@link createGateway}, for the command. */
export function createInternalGateway(given: GatewayOptions): InternalGateway {
  const options = resolveGatewayOptions(given);
  const news = new GatewayNews();
  const stopLogging = options.logger ? logNews(news, options.logger) : () => {};
  const counts = new Counts(news);
  const closed = new AbortController();
  const starting = start(options, news, closed.signal);
  // Reported by `ready`; without a handler here the process would end.
  starting.catch(() => {});
  let metrics: Promise<Metrics> | undefined;
  let closing: Promise<void> | undefined;
  const answer = async (request: HttpRequest): Promise<HttpResponse> => (await starting).front.answer(request);
  return {
    answer,
    news,
    fetch: async (request) => responseOf(await answer(requestOf(request))),
    ready: starting.then(() => {}),
    async metrics() {
      metrics ??= starting.then(({ depth }) => createMetrics(counts, depth));
      const { contentType, text } = await metrics;
      return { contentType, text: await text() };
    },
    close() {
      closed.abort();
      closing ??= closeAll(starting).finally(stopLogging);
      return closing;
    },
  };
}

async function start(options: ResolvedOptions, news: GatewayNews, closed: AbortSignal): Promise<Running> {
  const nats = await connectNats(options.nats);
  try {
    const { partitions } = await readSettings(nats, options.partitions, closed);
    await checkNeeds(nats, needsOf(options.worker), closed);
    return await compose({ ...options, partitions }, nats, news);
  } catch (error) {
    await nats.close();
    throw error;
  }
}

async function compose(
  options: ResolvedOptions & { readonly partitions: number },
  nats: Nats,
  news: GatewayNews,
): Promise<Running> {
  const { secrets, partitions, worker: hasWorker, upstream: baseUrl, fetch } = options;
  const upstream = new Upstream(baseUrl, fetch);
  const records = new KeyRecords(nats, secrets);
  const keys = new KeyStore({ secrets, records, checker: new KeyChecker(upstream, news), news });
  const store = new StreamStore({ nats, keys, secrets, upstream, news, partitions });
  const health = new Health(nats, news, needsOf(hasWorker));
  const front = new Front({ store, health, news, maxBodyBytes: nats.maxBodyBytes });
  const depth = new QueueDepth(nats, partitions, news);
  void followConnection(nats, news);
  await health.start();
  const parts = { nats, secrets, keys, news, partitions, upstream: { baseUrl, fetch } };
  try {
    const worker = hasWorker ? await createWorker(parts) : undefined;
    return { nats, front, health, depth, worker };
  } catch (error) {
    health.close();
    throw error;
  }
}

/** Ends with the connection. */
async function followConnection({ connection }: Nats, news: GatewayNews): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === 'disconnect') news.emit('connection', { isConnected: false });
    else if (type === 'reconnect') news.emit('connection', { isConnected: true });
  }
}

async function closeAll(starting: Promise<Running>): Promise<void> {
  const running = await starting.catch(() => undefined);
  if (running === undefined) return;
  const { nats, front, health, worker } = running;
  front.close();
  health.close();
  await Promise.race([Promise.all([front.idle(), worker?.close()]), delay(FINISH_MS)]);
  await nats.close();
}

/** Keeps no process alive. */
const delay = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
