import { cleanText, type Redactor } from './foreign-text.js';

/** Marks our exceptions. Across realms and two copies of the package `instanceof` is false. */
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

/** Whether `error` is a {@link StorageException}, whichever copy or build of the package made it. */
export function isStorageException(error: unknown): error is StorageException {
  return isApiException(error) && error.name === 'StorageException';
}

/** Whether `error` is a {@link StorageException} that says that there is no room. */
export function isStorageFull(error: unknown): error is StorageException {
  return isStorageException(error) && error.isFull;
}

/**
 * Takes out of one of our exceptions what must not be shown: an argument that was refused may hold it by mistake, and a
 * storage may put anything into a reason.
 *
 * @param redactor - Takes that out of a text.
 * @returns The same error.
 */
export function redactException(error: unknown, redactor: Redactor): unknown {
  if (!isApiException(error)) return error;
  const { message, stack = '' } = error;
  for (const name of ['message', 'advice', 'what'] as const) {
    const text: unknown = Reflect.get(error, name);
    const shown = typeof text === 'string' ? redactor.redact(cleanText(text)) : text;
    if (shown !== text) Object.defineProperty(error, name, { value: shown });
  }
  // The stack begins with the message as it was.
  if (error.message !== message)
    Object.defineProperty(error, 'stack', { value: redactor.redact(stack.replace(message, () => error.message)) });
  return error;
}
