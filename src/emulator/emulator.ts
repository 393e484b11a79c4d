import { answerPreflight, isPreflight, withCommonHeaders } from '../http/cors.js';
import { createRoutes } from '../http/routes.js';
import { createDevice, type ReceivedEntry } from './device.js';
import { checkFault, type Fault } from './fault.js';
import { memoryStore } from './memory-store.js';
import { misbehave } from './misbehave.js';
import { type EmulatorOptions, resolveOptions } from './options.js';
import {
  type EmulatedInit,
  type EmulatedRequest,
  type EmulatedResponse,
  type PlatformRequest,
  type PlatformResponse,
  requestOf,
  responseOf,
} from './platform.js';
import { type AnsweredRequest, createRequestLog, type ReceivedRequest, type StoredUpload } from './request-log.js';

/** A NikDev IoT server in memory, made by {@link createEmulator}. */
export interface Emulator {
  /**
   * Answers a request; the host of its URL is ignored. Pass it as the `fetch` of an `Api`, or to a server that takes a fetch
   * handler. It accepts a URL and options, or a `Request` and any second argument.
   *
   * @returns The platform's `Response`, or in jsdom, which has no `Response`, an object with `status`, `ok`, `headers.get`, `text`
   * and `json`. Rejects as `fetch` does if the signal of the request aborts before the response.
   * @example
   * ```ts
   * const api = new Api({ deviceId, apiKey, fetch: emulator.fetch })
   * ```
   */
  readonly fetch: {
    (request: PlatformRequest, context?: unknown): Promise<PlatformResponse>;
    (url: string | { readonly href: string }, init?: EmulatedInit): Promise<PlatformResponse>;
  };
  /**
   * Returns copies of all entries that a device uploaded, in the order in which they were received. Entries are kept as long as
   * the emulator exists, `maxEntries` at most: without it, memory grows with each upload.
   *
   * @throws Error naming the id, if the device is unknown.
   * @example
   * ```ts
   * for (const { timestamp, values } of emulator.entries(deviceId)) console.log(timestamp, values)
   * ```
   */
  entries(deviceId: string): ReceivedEntry[];
  /**
   * Queues faults: each of the next requests, preflights aside, is answered with the next fault, in order.
   *
   * @throws TypeError showing the first invalid fault; in this case, no fault is queued.
   *
   * @example
   * ```ts
   * emulator.script({ status: 503, headers: { 'Retry-After': '2' } }, { delay: 0.5 }, { hang: true }, { cut: true })
   * ```
   */
  script(...faults: Fault[]): void;
  /** The last 1000 requests, preflights aside, oldest first; a live list. */
  readonly requests: readonly ReceivedRequest[];
}

/**
 * Makes a NikDev IoT server in memory, for tests and demos in pages, Node and workers. It checks credentials and bodies, keeps
 * uploaded entries, and fails on demand.
 *
 * @throws TypeError naming the invalid option, the expected value and the value that was passed.
 *
 * @example
 * ```ts
 * import { Api } from 'nikdev-iot'
 * import { createEmulator } from 'nikdev-iot/emulator'
 *
 * const deviceId = '11111111-1111-4111-8111-111111111111'
 * const apiKey = '22222222-2222-4222-8222-222222222222'
 * const emulator = createEmulator({ devices: [{ deviceId, apiKeys: [{ key: apiKey, read: true, write: true }] }] })
 *
 * const api = new Api({ deviceId, apiKey, fetch: emulator.fetch })
 * api.addValue('temperature', 21.5)
 * await api.commitAndPush()
 * console.log(emulator.entries(deviceId)) // [{ timestamp: …, values: [{ fieldId: 'temperature', value: 21.5 }] }]
 * ```
 */
export function createEmulator(options: EmulatorOptions): Emulator {
  const { devices: known, now, maxBodyBytes, maxEntries, refuse, onRequest } = resolveOptions(options);
  const devices = new Map(known.map((device) => [device.deviceId.toLowerCase(), createDevice(device, maxEntries)]));
  const faults: Fault[] = [];
  const log = createRequestLog();

  const answer = async (request: EmulatedRequest): Promise<EmulatedResponse> => {
    if (isPreflight(request)) return answerPreflight();
    if (request.signal?.aborted) throw request.signal.reason;
    const fault = faults.shift();
    const complete = log.add(request);
    const outcome: { stored?: StoredUpload } = {};
    const store = memoryStore(devices, {
      now: () => Math.floor(now() / 1000),
      refuse,
      onStored: onRequest && ((stored) => Object.assign(outcome, { stored })),
    });
    const exchange = await createRoutes(store, maxBodyBytes)(request);
    complete({ entries: exchange.entryCount });
    const response = await (fault ? misbehave(fault, request, exchange.answer) : exchange.answer());
    const { status } = response;
    const answered = complete({ status });
    if (onRequest) notify(onRequest, { ...answered, status, stored: outcome.stored });
    return response;
  };

  return {
    fetch: async (input: unknown, init: unknown) =>
      responseOf(withCommonHeaders(await answer(requestOf(input, init as EmulatedInit | undefined)), now())),
    entries(deviceId) {
      const device = devices.get(String(deviceId).toLowerCase());
      if (!device) throw new Error(`the emulator has no device ${JSON.stringify(deviceId)}`);
      return device.entries();
    },
    script: (...added) => void faults.push(...added.map(checkFault)),
    requests: log.requests,
  };
}

/** Nothing that a listener does changes the answer. */
function notify(onRequest: (request: AnsweredRequest) => void, request: AnsweredRequest): void {
  try {
    onRequest(request);
  } catch (error) {
    console.error('The option onRequest of the emulator threw:', error);
  }
}
