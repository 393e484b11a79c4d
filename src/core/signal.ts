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

/** @throws {@link ConfigException} unless `signal` is one, or absent. */
export function checkSignal(signal: unknown): asserts signal is Signal | undefined {
  if (signal === undefined) return;
  const { aborted, addEventListener, removeEventListener } = Object(signal) as Partial<Signal>;
  const hasAll = typeof aborted === 'boolean' && typeof addEventListener === 'function';
  if (hasAll && typeof removeEventListener === 'function') return;
  throw new ConfigException(`signal must be an AbortSignal, got ${show(signal)}`);
}
