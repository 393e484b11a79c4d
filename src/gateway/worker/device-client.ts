import { type Client, closeClient, createClient } from '../../client.js';
import { entryId, type Rejection } from '../../core/model/entry.js';
import type { PushFailure } from '../../core/notify/emitter.js';
import { resolveOptions } from '../../core/options/schema.js';
import type { Environment } from '../../core/ports/environment.js';
import type { FetchLike } from '../../core/ports/web-types.js';
import { KeepaliveBudget } from '../../core/push/unload-flush.js';
import { UploadSemaphore } from '../../core/push/upload-semaphore.js';
import { memoryStorage } from '../../storage/memory/memory-storage.js';
import type { Failure } from './decision.js';
import type { ForwardedEntry } from './entries.js';

/** The server that a gateway forwards to. */
export interface Upstream {
  readonly baseUrl: string;
  /** Absent for the platform's `fetch`. */
  readonly fetch?: FetchLike | undefined;
  /** The deadline of each request, in seconds. Default: 10. */
  readonly requestTimeout?: number | undefined;
}

/** An entry that upstream does not accept, and why. */
export interface RefusedEntry {
  readonly entry: ForwardedEntry;
  readonly rejection: Rejection;
}

/** The result of one attempt to forward entries. */
export interface Attempt {
  readonly stored: readonly ForwardedEntry[];
  readonly refused: readonly RefusedEntry[];
  /** Absent if each entry is stored or refused. */
  readonly failure?: Failure | undefined;
}

const KINDS_OF_CONTENT = new Set<Failure['kind']>(['invalid-entries', 'too-large']);
const NOT_SENT: Failure = { kind: 'transient', message: 'Bad luck: the attempt took too long.', status: 0 };

/** Partitions bound the uploads under way, and the process ends when the gateway does. */
const environment: Environment = {
  isOnline: true,
  isHidden: false,
  keepalive: new KeepaliveBudget(0),
  uploads: new UploadSemaphore(Number.POSITIVE_INFINITY),
  subscribe: () => () => {},
};

/** Forwards entries with one API key of one device by the SDK's own push. Between two attempts it holds no entry. */
export class DeviceClient {
  readonly #client: Client;
  #failure: PushFailure | undefined;

  /** @throws {@link ConfigException} if the device id or the key is not a UUID. */
  constructor(deviceId: string, apiKey: string, upstream: Upstream) {
    this.#client = createClient(
      resolveOptions({
        ...upstream,
        deviceId,
        apiKey,
        storage: memoryStorage(),
        onRefusedCredentials: 'keep',
        idempotency: true,
        flushOnHide: false,
        debug: false,
      }),
      { environment },
    );
    this.#client.emitter.on('push-ended', ({ failure }) => {
      this.#failure = failure;
    });
  }

  /** Uploads entries under their own names, oldest first; calls may not overlap. Never rejects. */
  async attempt(entries: readonly ForwardedEntry[], signal: AbortSignal): Promise<Attempt> {
    const { outbox } = this.#client;
    outbox.adopt(entries);
    for (let left = Number.POSITIVE_INFINITY; outbox.length > 0 && outbox.length < left; ) {
      left = outbox.length;
      this.#failure = undefined;
      await this.#client.uploader.push(signal).catch(() => {});
      // A push ends after some refused entries, of which a message may have more.
      if (signal.aborted || !KINDS_OF_CONTENT.has(this.#failureKind)) break;
    }
    return this.#takeResult(entries);
  }

  close(): Promise<void> {
    return closeClient(this.#client, { push: false, timeoutSeconds: 0 });
  }

  /** Read by a getter, so that TypeScript does not assume the value of before the push. */
  get #failureKind(): Failure['kind'] {
    return (this.#failure?.kind ?? 'transient') as Failure['kind'];
  }

  /** Removes the entries that are left, as the message is their only copy. */
  #takeResult(entries: readonly ForwardedEntry[]): Attempt {
    const { outbox } = this.#client;
    const left = new Set(Array.from(outbox, entryId));
    const rejections = new Map(Array.from(outbox.quarantine, (entry) => [entryId(entry), entry.rejection]));
    outbox.removeAll();
    outbox.removeQuarantined([...rejections.keys()]);
    const refused = entries.flatMap((entry) => {
      const rejection = rejections.get(entryId(entry));
      return rejection ? [{ entry, rejection }] : [];
    });
    const stored = entries.filter((entry) => !left.has(entryId(entry)) && !rejections.has(entryId(entry)));
    return { stored, refused, failure: left.size > 0 ? this.#describeFailure() : undefined };
  }

  #describeFailure(): Failure {
    if (this.#failure === undefined) return NOT_SENT;
    const { message, status = 0, retryAfter } = this.#failure.exception;
    return { kind: this.#failureKind, message, status, retryAfter };
  }
}
