import type { EmulatedRequest } from './platform.js';

/**
 * Keeps waiting requests alive. In Node the signal of a request follows its controller only by a weak reference, so a request
 * that was garbage-collected would not notice an abort.
 */
const waiting = new Set<EmulatedRequest>();

/**
 * Delays a request.
 *
 * @param seconds - The delay; `undefined` waits until the signal aborts.
 * @returns Rejects with the reason of the request's signal (by default an `AbortError`) as soon as the signal aborts.
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
