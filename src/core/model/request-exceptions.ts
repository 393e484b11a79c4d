import type { Entry, QuarantinedEntry } from './entry.js';
import { ApiException, isApiException } from './exceptions.js';
import { describeError } from './foreign-text.js';

/** Details of a failed request. */
export interface AnswerDetails {
  /** The HTTP status; absent if there was no response. */
  readonly status?: number | undefined;
  /** The delay that the server asked for (`Retry-After`), in seconds, clamped to 1–3600; absent if it did not ask for one. */
  readonly retryAfter?: number | undefined;
  /** The error of a library or the runtime that is not a network failure: its class name and message. Default: none. */
  readonly cause?: unknown;
}

/** Details of a failed push. */
export interface PushDetails extends AnswerDetails {
  /** The entries that were discarded. Default: empty. */
  readonly discarded?: readonly Entry[];
  /** The entries that this push quarantined. Default: empty. */
  readonly quarantined?: readonly QuarantinedEntry[];
}

/** `push()` could not upload everything. See {@link PushException.retainedData}. */
export class PushException extends ApiException {
  /** The class name as a literal, so that it survives minification. */
  override readonly name = 'PushException';
  /**
   * Whether all entries that the server did not store are still queued, here or in the page or process that adopted them in
   * the meantime; `false` only if entries were discarded.
   */
  readonly retainedData: boolean;
  /** The HTTP status; absent if there was no response. */
  readonly status: number | undefined;
  /** The delay that the server asked for (`Retry-After`), in seconds, clamped to 1–3600; absent if it did not ask for one. */
  readonly retryAfter: number | undefined;
  /** The entries that were discarded (refused credentials); `restore()` puts them back into the queue. */
  readonly discarded: readonly Entry[];
  /** The entries that this push quarantined, with the reason. They stay saved, and `quarantined()` returns them too. */
  readonly quarantined: readonly QuarantinedEntry[];

  /**
   * Instances come from this package; construct one only to test your own error handling.
   *
   * @param message - The failure, and the data that it concerns.
   * @param advice - The meaning of the failure, and the remedy.
   * @param details - Details of the response and of the entries. Default: none.
   */
  constructor(message: string, advice: string, details: PushDetails = {}) {
    super(message, advice, details.cause);
    this.status = details.status;
    this.retryAfter = details.retryAfter;
    this.discarded = details.discarded ?? [];
    this.quarantined = details.quarantined ?? [];
    this.retainedData = this.discarded.length === 0;
  }
}

/** Whether `error` is a {@link PushException}, whichever copy or build of the package made it. */
export function isPushException(error: unknown): error is PushException {
  return isApiException(error) && error.name === 'PushException';
}

/** `get()` or `watch()` could not read. No data is lost. */
export class GetException extends ApiException {
  /** The class name as a literal, so that it survives minification. */
  override readonly name = 'GetException';
  /** The HTTP status; absent if there was no response. */
  readonly status: number | undefined;
  /** The delay that the server asked for (`Retry-After`), in seconds, clamped to 1–3600; absent if it did not ask for one. */
  readonly retryAfter: number | undefined;

  /**
   * Instances come from this package; construct one only to test your own error handling.
   *
   * @param message - The failure, and the data that it concerns.
   * @param advice - The meaning of the failure, and the remedy.
   * @param details - Details of the response. Default: none.
   */
  constructor(message: string, advice: string, details: AnswerDetails = {}) {
    super(message, advice, details.cause);
    this.status = details.status;
    this.retryAfter = details.retryAfter;
  }
}

export function pushAborted(): PushException {
  return new PushException(
    'Bad luck: the push was aborted by its signal.',
    'Everything is still queued; the server may have stored the request that was under way. Push again later.',
  );
}

export function pushFenced(): PushException {
  return new PushException(
    'Bad luck: this page or process was hidden, frozen or stopped, and another page or process adopted its queued entries.',
    'Those entries are pushed there; new entries are pushed here.',
  );
}

/** For failures outside of any verdict: a body longer than the longest string, or a clock or transport that throws. */
export function pushNotSent(cause: Error): PushException {
  return new PushException(
    `Bad luck: the push failed before its request could be sent: ${describeError(cause)}.`,
    'Everything is still queued. If it was too much for one request, lower maxBytesPerRequest or maxEntriesPerRequest.',
    { cause },
  );
}

/** @param seconds - The time limit of the push. */
export function pushOutOfTime(seconds: number): PushException {
  return new PushException(
    `Bad luck: not everything was stored within ${seconds} s, and this Api was closed.`,
    CLOSED_ADVICE,
  );
}

const CLOSED = 'Bad luck: this Api was closed before the answer came.';

export function pushClosed(): PushException {
  return new PushException(CLOSED, CLOSED_ADVICE);
}

export function getClosed(): GetException {
  return new GetException(CLOSED, 'Nothing was changed. Repeat the call with a new Api.');
}

export function getAborted(): GetException {
  return new GetException('Bad luck: the request was aborted by its signal.', 'Nothing was changed. Repeat the call.');
}

/** Replaces the advice of a closing push's exception if the entries are in memory only. */
export function onlyInMemory(exception: PushException): PushException {
  const advice =
    'This Api is closed, and its entries are in memory only: log() returns them, and restore() of a new Api puts them back.';
  return new PushException(exception.message, advice, exception);
}

/** The exception of calls after `close()`. */
export function closedException(): ApiException {
  return new ApiException(
    'This Api is closed: only status(), log(), quarantined() and close() can be called.',
    CLOSED_ADVICE,
  );
}

const CLOSED_ADVICE =
  'Every entry that the server did not store is still saved, if the storage is durable; a new Api pushes it.';
