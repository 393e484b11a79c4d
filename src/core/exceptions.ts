import type { Entry, QuarantinedEntry } from './entry.js';

/** Marks our exceptions across two copies of the package, where `instanceof` is false. */
const BRAND = Symbol.for('nikdev-iot.ApiException');

/**
 * The base of every exception this package throws. None of them holds the API key, in any property.
 *
 * @example
 * ```ts
 * try {
 *   await api.push()
 * } catch (exception) {
 *   if (isApiException(exception)) console.error(exception.message, exception.advice)
 * }
 * ```
 */
export class ApiException extends Error {
  /** Which it is, in words that minifiers leave alone. */
  override readonly name: string = 'ApiException';
  /** What it means and what to do. */
  readonly advice: string;

  /**
   * This package makes them; make one to test what you do about it.
   *
   * @param message - What happened, to which data.
   * @param advice - What it means and what to do.
   */
  constructor(message: string, advice = '') {
    super(message);
    this.advice = advice;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

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
  /** The entries that this push set aside, with the server's reason: saved, and in `quarantined()` too. */
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

const CORRECT_IT = 'Nothing was changed. Correct the argument that the message names.';

/** An option, or an argument that is not a value, was refused. Nothing was changed. */
export class ConfigException extends ApiException {
  /** Which it is, in words that minifiers leave alone. */
  override readonly name = 'ConfigException';

  /**
   * This package makes them; make one to test what you do about it.
   *
   * @param message - Which argument, what was wanted and what came.
   */
  constructor(message: string) {
    super(message, CORRECT_IT);
  }
}

/** A field id, a value or an entry was refused. Nothing was changed. */
export class ValueException extends ApiException {
  /** Which it is, in words that minifiers leave alone. */
  override readonly name = 'ValueException';

  /**
   * This package makes them; make one to test what you do about it.
   *
   * @param message - Which argument, what was wanted and what came.
   */
  constructor(message: string) {
    super(message, CORRECT_IT);
  }
}

/** An entry could not be saved. The staged values are still staged. */
export class StorageException extends ApiException {
  /** Which it is, in words that minifiers leave alone. */
  override readonly name = 'StorageException';
  /** Whether there is no room: for as long, `overflow: 'drop-oldest'` makes some. */
  readonly isFull: boolean;
  /** What failed, or is full, without what that means for the entry. */
  readonly what: string;

  /**
   * This package makes them; make one to test what you do about it.
   *
   * @param message - What happened, to which data.
   * @param advice - What it means and what to do.
   * @param isFull - Whether there is no room.
   * @param what - What failed, or is full.
   */
  constructor(message: string, advice = '', isFull = false, what = message) {
    super(message, advice);
    this.isFull = isFull;
    this.what = what;
  }
}

/** Whether `error` is one of this package's exceptions, whichever copy or build of the package threw it. */
export function isApiException(error: unknown): error is ApiException {
  return typeof error === 'object' && error !== null && BRAND in error;
}

/** How a refused input is shown in a message: its value where that is short and plain, else its kind. */
export function show(input: unknown): string {
  switch (typeof input) {
    case 'string':
      return JSON.stringify(input.length > 60 ? `${input.slice(0, 60)}…` : input);
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(input);
    default:
      return kindOf(input);
  }
}

/** What kind of thing an input is: for what must not be shown. */
export function kindOf(input: unknown): string {
  if (input === null || input === undefined) return String(input);
  if (typeof input === 'object') return Array.isArray(input) ? 'an array' : 'an object';
  return `a ${typeof input}`;
}

/**
 * Takes out of one of our exceptions what must not be shown: an argument that was refused may hold it by mistake.
 *
 * @param redact - Takes that out of a text.
 * @returns The same error.
 */
export function redactException(error: unknown, redact: (text: string) => string): unknown {
  if (error instanceof ApiException && redact(error.message) !== error.message) {
    for (const name of ['message', 'stack'] as const)
      Object.defineProperty(error, name, { value: redact(String(error[name])) });
  }
  return error;
}
