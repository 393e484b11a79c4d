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
