import type { EmulatedRequest } from './platform.js';

/**
 * Requests that wait. In Node a request's signal follows its controller by a weak reference: nothing else holding the
 * request, it would be collected, and an abort would go unheard.
 */
const waiting = new Set<EmulatedRequest>();

/**
 * Waits, as a request under way does.
 *
 * @param seconds - `undefined` to wait for ever.
 * @returns Rejects with the reason of the request's signal (by default an `AbortError`) as soon as it aborts.
 */
export function wait(request: EmulatedRequest, seconds: number | undefined): Promise<void> {
  const { signal } = request;
  return new Promise<void>((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    waiting.add(request);
    const timer = seconds === undefined ? undefined : setTimeout(resolve, seconds * 1000);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  }).finally(() => waiting.delete(request));
}
