import type { ApiException } from '../model/exceptions.js';
import { getAborted } from '../model/request-exceptions.js';
import { onAbort, type Signal } from '../ports/web-types.js';
import type { JudgedResponse, PendingRequest } from './server-client.js';

/** Requests that only read. Each ends by its response or by its caller's signal; {@link Questions.stop} ends all of them. */
export class Questions {
  readonly #underWay = new Set<(exception: ApiException) => void>();
  #stopped: ApiException | undefined;

  /**
   * Sends a request and waits for its response.
   *
   * @param send - Sends the request; not called after {@link Questions.stop}.
   * @throws {@link GetException} if the signal aborts. The exception passed to {@link Questions.stop}.
   */
  async ask(send: () => PendingRequest, signal?: Signal): Promise<JudgedResponse> {
    if (this.#stopped) throw this.#stopped;
    if (signal?.aborted) throw getAborted();
    const { outcome, abort } = send();
    return new Promise((resolve, reject) => {
      const end = (exception: ApiException): void => {
        settle();
        abort();
        reject(exception);
      };
      const stopListening = onAbort(signal, () => end(getAborted()));
      const settle = (): void => {
        stopListening();
        this.#underWay.delete(end);
      };
      this.#underWay.add(end);
      void outcome.then((result) => {
        settle();
        resolve(result);
      });
    });
  }

  /** Rejects all requests under way, and all later calls of {@link Questions.ask}, with `exception`. */
  stop(exception: ApiException): void {
    this.#stopped = exception;
    for (const reject of this.#underWay) reject(exception);
  }
}
