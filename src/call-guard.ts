import { type Client, closeClient } from './client.js';
import { addCaller, redactException } from './core/model/exceptions.js';
import { closedException } from './core/model/request-exceptions.js';

/** Runs the calls of an `Api`: checks that it is open, and redacts exceptions, as an argument may hold the API key by mistake. */
export class CallGuard {
  readonly client: Client;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(client: Client) {
    this.client = client;
  }

  /** Runs a call. @throws {@link ApiException} if the `Api` is closed. */
  do<Result>(run: (client: Client) => Result): Result {
    this.checkOpen();
    return this.try(run);
  }

  checkOpen(): void {
    if (this.#isClosed) throw closedException();
  }

  /** Runs a call that a closed `Api` accepts, too. */
  try<Result>(run: (client: Client) => Result): Result {
    try {
      return run(this.client);
    } catch (error) {
      throw this.redacted(error);
    }
  }

  /** Redacts the exception that a promise rejects with, and adds the caller's line to its stack. */
  async result<Result>(pending: Promise<Result>): Promise<Result> {
    try {
      return await pending;
    } catch (error) {
      throw addCaller(this.redacted(error));
    }
  }

  redacted(error: unknown): unknown {
    return redactException(error, this.client.server);
  }

  /** Without `push` a call does not report the failed push of an earlier call. */
  async close(options: { readonly push: boolean; readonly timeoutSeconds: number }): Promise<void> {
    if (this.#isClosed) return options.push ? this.#closing : this.#closing?.catch(() => {});
    this.#isClosed = true;
    this.#closing = closeClient(this.client, options);
    return this.result(this.#closing);
  }
}
