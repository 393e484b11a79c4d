import { Listeners } from '../core/notify/emitter.js';
import type { LifecycleEvent } from '../core/ports/environment.js';

type Emit = (event: LifecycleEvent) => void;

const nothing = (): void => {};

/**
 * Lets all subscribers share one set of listeners at the host.
 *
 * @param watch - Adds these listeners, for the first subscriber. Returns a function that removes them, after the last.
 */
/* @__NO_SIDE_EFFECTS__ */
export function sharedSubscription(watch: (emit: Emit) => () => void): (listener: Emit) => () => void {
  const listeners = new Listeners<LifecycleEvent>();
  const emit = (event: LifecycleEvent): void => listeners.emit(event, nothing);
  let stop = nothing;
  return (listener) => {
    const isFirst = listeners.size === 0;
    const remove = listeners.add(listener);
    // With the listener added, as a host may report its present state at once.
    if (isFirst) stop = watch(emit);
    return () => {
      remove();
      if (listeners.size > 0) return;
      stop();
      stop = nothing;
    };
  };
}
