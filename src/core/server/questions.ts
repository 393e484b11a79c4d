import type { ApiException } from '../model/exceptions.js';
import { getAborted } from '../model/request-exceptions.js';
import { onAbort, type Signal } from '../ports/web-types.js';
import type { JudgedResponse, PendingRequest } from './server-client.js';

/** Requests that change nothing. Each ends with its answer or its caller's signal, and all of them by {@link Questions.stop}. */
export class Questions {
  readonly #underWay = new Set<(exception: ApiException) => void>();
  #stopped: ApiException | undefined;

  /**
   * Waits for an answer.
   *
   * @param send - Makes the request.
   * @throws {@link GetException} if the signal aborts; what {@link Questions.stop} was given.
   */
  async ask(send: () => PendingRequest, signal?: Signal): Promise<JudgedResponse> {
    if (this.#stopped) throw this.#stopped;
    if (signal?.aborted) throw getAborted();
    const { outcome, abort } = send();
    return new Promise((resolve, reject) => {
      const end = (exception: ApiException): void => {
        leave();
        abort();
        reject(exception);
      };
      const stopListening = onAbort(signal, () => end(getAborted()));
      const leave = (): void => {
        stopListening();
        this.#underWay.delete(end);
      };
      this.#underWay.add(end);
      void outcome.then((result) => {
        leave();
        resolve(result);
      });
    });
  }

  /** Ends what is under way, and what is asked from now on: it rejects with `exception`. */
  stop(exception: ApiException): void {
    this.#stopped = exception;
    for (const reject of this.#underWay) reject(exception);
  }
}
