import { define } from './define.js';
import { causeOf, cleanText, type Redactor } from './foreign-text.js';

/** Marks our exceptions, as `instanceof` is false across realms and between two copies of the package. */
const BRAND = Symbol.for('nikdev-iot.ApiException');

/**
 * The base class of the exceptions of this package, except `GatewayException` of the gateway; the emulator throws `TypeError`s. No
 * property of an exception holds the API key.
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
  /** The class name as a literal, so that it survives minification. */
  override readonly name: string = 'ApiException';
  /** The meaning of the failure, and the remedy. */
  readonly advice: string;

  /**
   * Instances come from this package; construct one only to test your own error handling.
   *
   * @param message - The failure, and the data that it concerns.
   * @param advice - The meaning of the failure, and the remedy. Default: empty.
   * @param cause - The error of a library or the runtime that caused the failure. Default: none.
   */
  constructor(message: string, advice = '', cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.advice = advice;
    define(this, BRAND, true);
  }
}

const CORRECT_IT = 'Nothing was changed. Correct the argument that the message names.';

/** An option, or an argument other than a field id, value or entry, is invalid. Nothing was changed. */
export class ConfigException extends ApiException {
  /** The class name as a literal, so that it survives minification. */
  override readonly name = 'ConfigException';

  /**
   * Instances come from this package; construct one only to test your own error handling.
   *
   * @param message - Names the argument, the expected value and the value that was passed.
   */
  constructor(message: string) {
    super(message, CORRECT_IT);
  }
}

/** A field id, a value or an entry is invalid. Nothing was changed. */
export class ValueException extends ApiException {
  /** The class name as a literal, so that it survives minification. */
  override readonly name = 'ValueException';

  /**
   * Instances come from this package; construct one only to test your own error handling.
   *
   * @param message - Names the argument, the expected value and the value that was passed.
   */
  constructor(message: string) {
    super(message, CORRECT_IT);
  }
}

/** Entries could not be saved. After a commit, the values are still staged; else the entries are where they were before. */
export class StorageException extends ApiException {
  /** The class name as a literal, so that it survives minification. */
  override readonly name = 'StorageException';
  /** Whether the storage or the queue is full; `overflow: 'drop-oldest'` avoids this by dropping the oldest entries. */
  readonly isFull: boolean;
  /** The cause only, such as `the disk is full (ENOSPC, /data)`, without the consequence for the entry. */
  readonly reason: string;

  /**
   * Storage adapters throw it; this package adds the consequence for the entry.
   *
   * @param message - The failure, and the data that it concerns.
   */
  constructor(message: string, { advice = '', isFull = false, reason = message, cause }: StorageExceptionDetails = {}) {
    super(message, advice, cause);
    this.isFull = isFull;
    this.reason = reason;
  }
}

/** Details of a {@link StorageException}, all optional. */
export interface StorageExceptionDetails {
  /** The meaning of the failure, and the remedy. Default: empty. */
  readonly advice?: string;
  /** Whether the storage or the queue is full. Default: `false`. */
  readonly isFull?: boolean;
  /** The cause only. Default: the message. */
  readonly reason?: string;
  /** The error that caused the failure; the exception that the caller gets has its class name and message. Default: none. */
  readonly cause?: unknown;
}

/**
 * Whether `error` is one of this package's exceptions, whichever copy or build of the package threw it.
 *
 * @example
 * ```ts
 * try {
 *   api.commit()
 * } catch (error) {
 *   if (!isApiException(error)) throw error
 *   console.error(`${error.name}: ${error.message} ${error.advice}`)
 * }
 * ```
 */
export function isApiException(error: unknown): error is ApiException {
  return typeof error === 'object' && error !== null && BRAND in error;
}

/** Whether `error` is a {@link StorageException}, whichever copy or build of the package made it. */
export function isStorageException(error: unknown): error is StorageException {
  return isApiException(error) && error.name === 'StorageException';
}

/** Whether `error` is a {@link StorageException} whose cause is a full storage or queue. */
export function isStorageFull(error: unknown): error is StorageException {
  return isStorageException(error) && error.isFull;
}

/**
 * Redacts the texts of one of our exceptions, in place: an invalid argument may hold the API key by mistake, and a storage
 * adapter may put any text into its exceptions.
 *
 * @param redact - Removes the API key from a text.
 * @returns The same error.
 */
export function redactException(error: unknown, redactor: Redactor): unknown {
  if (!isApiException(error)) return error;
  const { message, stack = '' } = error;
  for (const name of ['message', 'advice', 'reason'] as const) {
    const text: unknown = Reflect.get(error, name);
    const shown = typeof text === 'string' ? redactor.redact(cleanText(text)) : text;
    if (shown !== text) define(error, name, shown);
  }
  const { cause } = error;
  if (cause !== undefined)
    define(
      error,
      'cause',
      causeOf(cause, (text) => redactor.redact(text)),
    );
  // The stack begins with the original message.
  if (error.message !== message) define(error, 'stack', redactor.redact(stack.replace(message, () => error.message)));
  return error;
}

/**
 * Adds to the stack of an exception the functions that await this call, of which engines with asynchronous stack traces know.
 * Several callers may share an exception.
 *
 * @returns The same error.
 */
export function addCaller(error: unknown): unknown {
  if (!isApiException(error)) return error;
  const { stack = '' } = error;
  // Behind this function and its caller, which Api has for all its calls.
  const callers = (new Error().stack ?? '').split('\n').slice(3);
  const added = callers.filter((line) => !stack.includes(line));
  define(error, 'stack', [stack, ...added].join('\n'));
  return error;
}
