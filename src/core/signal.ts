import { checkCallOptions } from './config.js';
import { ConfigException, show } from './exceptions.js';

/** The members of an `AbortSignal` that are used here, so that no platform's types are needed. */
export interface Signal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * Calls `listener` when `signal` aborts.
 *
 * @returns A function that stops listening.
 */
export function onAbort(signal: Signal | undefined, listener: () => void): () => void {
  signal?.addEventListener('abort', listener);
  return () => signal?.removeEventListener('abort', listener);
}

/** A signal of our own: the core knows no platform's. */
export class Abort implements Signal {
  readonly #listeners = new Set<() => void>();
  aborted = false;

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  abort(): void {
    this.aborted = true;
    for (const listener of this.#listeners) listener();
  }
}

/** What a call that makes requests takes. */
export interface CallOptions {
  /** An `AbortSignal` that ends this call alone. */
  readonly signal?: Signal | undefined;
}

/**
 * @param known - The options there are.
 * @returns The signal.
 * @throws {@link ConfigException} for unknown options and for a signal that is none.
 */
export function signalOf(options: CallOptions, known: readonly string[] = ['signal']): Signal | undefined {
  checkCallOptions(options, known);
  const { signal } = options;
  if (signal === undefined) return undefined;
  const { aborted, addEventListener, removeEventListener } = Object(signal) as Partial<Signal>;
  const hasAll = typeof aborted === 'boolean' && typeof addEventListener === 'function';
  if (hasAll && typeof removeEventListener === 'function') return signal;
  throw new ConfigException(`signal must be an AbortSignal, got ${show(signal)}`);
}
