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

/** What a call that makes requests takes. */
export interface CallOptions {
  /** An `AbortSignal` that ends this call alone. */
  readonly signal?: Signal | undefined;
}

/** @throws {@link ConfigException} unless the options hold a signal or nothing. @returns The signal. */
export function signalOf(options: CallOptions): Signal | undefined {
  checkCallOptions(options, ['signal']);
  const { signal } = options;
  if (signal === undefined) return undefined;
  const { aborted, addEventListener, removeEventListener } = Object(signal) as Partial<Signal>;
  const hasAll = typeof aborted === 'boolean' && typeof addEventListener === 'function';
  if (hasAll && typeof removeEventListener === 'function') return signal;
  throw new ConfigException(`signal must be an AbortSignal, got ${show(signal)}`);
}
