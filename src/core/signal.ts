import { checkCallOptions, type Rule } from './rules.js';

/** The members of an `AbortSignal` that are used here, so that no platform's types are needed. */
export interface Signal {
  /** Whether it has aborted. */
  readonly aborted: boolean;
  /** Has `listener` called when it aborts. */
  addEventListener(type: 'abort', listener: () => void): void;
  /** Takes the same function away again. */
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

export const signalRule: Rule = {
  wanted: 'an AbortSignal',
  isRight(input) {
    const { aborted, addEventListener, removeEventListener } = Object(input) as Partial<Signal>;
    const canTell = typeof addEventListener === 'function' && typeof removeEventListener === 'function';
    return typeof aborted === 'boolean' && canTell;
  },
};

/**
 * @returns The signal.
 * @throws {@link ConfigException} for unknown options and for a signal that is none.
 */
export function signalOf(options: CallOptions): Signal | undefined {
  return checkCallOptions(options, { signal: signalRule }).signal;
}
