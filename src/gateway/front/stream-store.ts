import { refuseRight, refuseUnknown } from '../../http/credentials.js';
import { type HttpResponse, json } from '../../http/message.js';
import type { Access, Credentials, DeviceAccess, ReceivedUpload, Store } from '../../http/store.js';
import type { KeyStore } from '../keys/key-store.js';
import type { Secrets } from '../keys/secret.js';
import { encodeUpload } from '../message.js';
import { UPLOADS, uploadSubjectOf } from '../names.js';
import type { Nats } from '../nats.js';
import type { GatewayEvents, GatewayNews } from '../news.js';
import type { Upstream } from '../upstream.js';
import { failureOfPublish } from './publish-failure.js';
import { relay } from './relay.js';
import { unavailable } from './unavailable.js';

export interface StreamStoreParts {
  readonly nats: Nats;
  readonly keys: KeyStore;
  readonly secrets: Secrets;
  readonly upstream: Upstream;
  readonly news: GatewayNews;
  readonly partitions: number;
}

const READ_TIMEOUT_SECONDS = 10;
/** With the other headers it must fit beside the body into a message of NATS. */
const MAX_ENTRY_IDS_LENGTH = 16_384;

/** The queue in JetStream as a store of the routes. A request is accepted once its message is replicated. */
export class StreamStore implements Store {
  readonly #parts: StreamStoreParts;

  constructor(parts: StreamStoreParts) {
    this.#parts = parts;
  }

  authorize(credentials: Credentials, right: 'read' | 'write'): Access | Promise<Access> {
    return right === 'write' ? this.#authorizeUpload(credentials) : { device: this.#reader(credentials) };
  }

  async #authorizeUpload({ deviceId, apiKey }: Credentials): Promise<Access> {
    const arrival = { at: Date.now(), monotonic: performance.now() };
    const admission = await this.#parts.keys.admit(deviceId, apiKey).catch(() => undefined);
    if (admission === undefined) return { rejection: this.#unacknowledged({ reason: 'the keys could not be read' }) };
    if (admission.kind === 'busy') return { rejection: unavailable() };
    if (admission.kind === 'refused')
      return { rejection: admission.status === 403 ? refuseRight('write') : refuseUnknown() };
    const { keyHash, isVerified } = admission;
    const pair = { device: deviceId, keyHash, isVerified };
    return {
      device: {
        append: (received) => this.#append(pair, arrival, received),
        read: () => unavailable(),
      },
    };
  }

  async #append(pair: Pair, arrival: Arrival, received: ReceivedUpload): Promise<HttpResponse> {
    const { upload, text, bytes = Buffer.from(text), entryIds } = received;
    if (entryIds !== undefined && entryIds.length > MAX_ENTRY_IDS_LENGTH)
      return json(400, { message: `x-entry-ids must be at most ${MAX_ENTRY_IDS_LENGTH} characters long` });
    const { nats, secrets, partitions, news } = this.#parts;
    const offset = arrival.at - upload.clientTimestamp * 1000;
    const { headers, body } = encodeUpload({ ...pair, offset, body: bytes, entryIds }, secrets.newest);
    const subject = uploadSubjectOf(pair.device, partitions);
    try {
      const { duplicate } = await nats.publish(UPLOADS, { subject, headers, body });
      const milliseconds = performance.now() - arrival.monotonic;
      const { device, isVerified } = pair;
      news.emit('accepted', {
        device,
        entries: upload.entryCount,
        bytes: body.byteLength,
        isVerified,
        isDuplicate: duplicate,
        milliseconds,
      });
      return json(202, { data: {} });
    } catch (error) {
      const { alarm, ...failure } = failureOfPublish(error);
      if (alarm) news.emit('alarm', { alarm, message: failure.reason });
      return this.#unacknowledged(failure);
    }
  }

  #unacknowledged(failure: GatewayEvents['unacknowledged']): HttpResponse {
    this.#parts.news.emit('unacknowledged', failure);
    return unavailable();
  }

  #reader({ deviceId, apiKey }: Credentials): DeviceAccess {
    const { upstream } = this.#parts;
    return {
      append: () => unavailable(),
      read: async (fieldIds) => relay(await upstream.readValues(deviceId, apiKey, fieldIds, READ_TIMEOUT_SECONDS)),
    };
  }
}

/** When the head of a request arrived. */
interface Arrival {
  /** In milliseconds since the Unix epoch. */
  readonly at: number;
  /** For durations, which a step of the wall clock must not change. */
  readonly monotonic: number;
}

interface Pair {
  readonly device: string;
  readonly keyHash: string;
  readonly isVerified: boolean;
}
