import type { Entry, QuarantinedEntry } from './entry.js';
import { ApiException, isApiException } from './exceptions.js';

/** What an answer, or the lack of one, tells beside its message. */
export interface AnswerDetails {
  /** The HTTP status, where there was an answer. */
  readonly status?: number | undefined;
  /** How long the server asked to wait, in seconds, clamped to 1–3600; where it asked. */
  readonly retryAfter?: number | undefined;
}

/** What a push did with the entries, beside its message. */
export interface PushDetails extends AnswerDetails {
  /** The entries that were thrown away. Default: none. */
  readonly discarded?: readonly Entry[];
  /** The entries that this push set aside. Default: none. */
  readonly quarantined?: readonly QuarantinedEntry[];
}

/** `push()` could not upload everything. See {@link PushException.retainedData}. */
export class PushException extends ApiException {
  /** Which it is, in words that minifiers leave alone. */
  override readonly name = 'PushException';
  /**
   * Whether all that was committed and not stored by the server is still queued: push again later. By another page or
   * process, where that took it over meanwhile.
   */
  readonly retainedData: boolean;
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** How long the server asked to wait, in seconds, clamped to 1–3600; where it asked. */
  readonly retryAfter: number | undefined;
  /** The entries that were thrown away (refused credentials); `restore()` puts them back. */
  readonly discarded: readonly Entry[];
  /** The entries that this push quarantined, with the reason: saved, and in `quarantined()` too. */
  readonly quarantined: readonly QuarantinedEntry[];

  /**
   * This package makes them; make one to test what you do about it.
   *
   * @param message - What happened, to which data.
   * @param advice - What it means and what to do.
   * @param details - What the answer told, and what became of the entries.
   */
  constructor(message: string, advice: string, details: PushDetails = {}) {
    super(message, advice);
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

/** `get()` could not read. Nothing is lost by it. */
export class GetException extends ApiException {
  /** Which it is, in words that minifiers leave alone. */
  override readonly name = 'GetException';
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** How long the server asked to wait, in seconds, clamped to 1–3600; where it asked. */
  readonly retryAfter: number | undefined;

  /**
   * This package makes them; make one to test what you do about it.
   *
   * @param message - What happened, to which data.
   * @param advice - What it means and what to do.
   * @param details - What the answer told.
   */
  constructor(message: string, advice: string, details: AnswerDetails = {}) {
    super(message, advice);
    this.status = details.status;
    this.retryAfter = details.retryAfter;
  }
}

/** What a call fails with that is no answer of the server's: it was given up, or another has what it was about. */

const STILL_SAVED = 'is still saved, if its storage lasts; a new Api pushes it.';

export function pushAborted(): PushException {
  return new PushException(
    'Bad luck: the push was aborted by its signal.',
    'Everything is still queued; the server may have stored the request that was under way. Push again later.',
  );
}

export function pushFenced(): PushException {
  return new PushException(
    'Bad luck: this page or process was hidden, frozen or stopped, and another took over what it had queued.',
    'That one pushes it. What is committed here from now on is pushed here.',
  );
}

/** What no verdict foresees: a body that is longer than any string can be, or a clock or transport that throws. */
export function pushNotSent(): PushException {
  return new PushException(
    'Bad luck: the push failed before its request could be sent.',
    'Everything is still queued. Lower maxBytesPerRequest or maxEntriesPerRequest, and push again.',
  );
}

/** @param seconds - How long it was to take. */
export function pushOutOfTime(seconds: number): PushException {
  return new PushException(
    `Bad luck: not everything was stored within ${seconds} s, and this Api was closed.`,
    `What was not stored ${STILL_SAVED}`,
  );
}

const CLOSED = 'Bad luck: this Api was closed before the answer came.';

export function pushClosed(): PushException {
  return new PushException(CLOSED, CLOSED_ADVICE);
}

export function getClosed(): GetException {
  return new GetException(CLOSED, 'Nothing was changed. Ask with a new Api.');
}

export function getAborted(): GetException {
  return new GetException('Bad luck: the request was aborted by its signal.', 'Nothing was changed. Ask again.');
}

/** What a closing push failed with, where no storage has what it did not store. */
export function onlyInMemory(exception: PushException): PushException {
  const advice =
    'This Api is closed, and what was not stored is in memory alone: log() holds it, and restore() of a new Api puts it back.';
  return new PushException(exception.message, advice, exception);
}

/** The exception of calls after `close()`. */
export function closedException(): ApiException {
  return new ApiException(
    'This Api is closed: only status(), log(), quarantined() and close() can be called.',
    CLOSED_ADVICE,
  );
}

const CLOSED_ADVICE = `What was committed and not stored by the server ${STILL_SAVED}`;
