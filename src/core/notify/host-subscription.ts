import type { HostEnvironment } from '../ports/environment.js';
import type { Emitter } from './emitter.js';

/** The writer of a client, which is closed once the client was collected. */
interface Closable {
  close(): void;
}

interface WeakReference<Target> {
  deref(): Target | undefined;
}

/** Refers to a target without keeping it in memory, where the platform can. */
export const weakly = <Target extends object>(target: Target): WeakReference<Target> =>
  typeof WeakRef === 'undefined' ? { deref: () => target } : new WeakRef(target);

/** Closes what collected clients held. Absent where the platform has none, or refuses it while a module is loaded. */
let registry: FinalizationRegistry<() => void> | undefined;

/**
 * Brings the events of the host to a client. The host keeps the client in memory only while the client has something to do: an
 * `Api` that nothing refers to is collected, as if it had been closed. No function in here may capture the emitter.
 */
export class HostSubscription {
  readonly #target: WeakReference<Emitter>;
  readonly #unsubscribe: () => void;
  /** Keeps the client in memory. */
  #held: Emitter | undefined;

  constructor(environment: HostEnvironment, emitter: Emitter, writer: Closable) {
    this.#target = weakly(emitter);
    this.#unsubscribe = environment.subscribe((event) => this.#target.deref()?.emit('lifecycle', event));
    this.#watchFor(emitter, writer);
  }

  /** @param isBusy - Whether entries are queued, or somebody listens to the status. */
  hold(isBusy: boolean): void {
    if (isBusy === (this.#held !== undefined)) return;
    this.#held = isBusy ? this.#target.deref() : undefined;
  }

  stop(): void {
    this.#held = undefined;
    this.#unsubscribe();
    registry?.unregister(this);
  }

  #watchFor(emitter: Emitter, writer: Closable): void {
    if (typeof FinalizationRegistry === 'undefined') return;
    registry ??= new FinalizationRegistry((release) => release());
    registry.register(emitter, releaseOf(this.#unsubscribe, writer), this);
  }
}

const releaseOf = (unsubscribe: () => void, writer: Closable) => (): void => {
  unsubscribe();
  writer.close();
};
