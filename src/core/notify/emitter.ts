import type { Events } from '../model/events.js';

type OfEach = { [Name in keyof Events]?: Listeners<Events[Name]> };

/** Sends events to listeners. A listener that throws or rejects harms neither the sender nor the other listeners. */
export class Emitter {
  readonly #listeners: OfEach = Object.create(null);
  readonly #onFailure: (name: keyof Events) => void;

  /** @param onFailure - Told the name of the event whose listener threw. */
  constructor(onFailure: (name: keyof Events) => void) {
    this.#onFailure = onFailure;
  }

  /** @returns A function that takes the listener away again. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => unknown): () => void {
    const listeners: Listeners<Events[Name]> = this.#listeners[name] ?? new Listeners();
    this.#listeners[name] = listeners as OfEach[Name];
    return listeners.add(listener);
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const listeners: Listeners<Events[Name]> | undefined = this.#listeners[name];
    listeners?.emit(event, () => this.#onFailure(name));
  }
}

/** Functions of the user's, to be called again and again. One that throws or rejects harms nobody else. */
export class Listeners<Event = void> {
  readonly #all = new Set<(event: Event) => unknown>();

  get size(): number {
    return this.#all.size;
  }

  /** @returns A function that takes the listener away again. */
  add(listener: (event: Event) => unknown): () => void {
    // Wrapped, so that the same function added twice is called twice and each undo takes away its own.
    const own = (event: Event): unknown => listener(event);
    this.#all.add(own);
    return () => void this.#all.delete(own);
  }

  /** @param onFailure - Told that one threw or rejected. */
  emit(event: Event, onFailure: () => void): void {
    // A copy: one may be added or taken away meanwhile.
    for (const listener of [...this.#all]) {
      try {
        ignoreRejection(listener(event), onFailure);
      } catch {
        onFailure();
      }
    }
  }
}

/**
 * Handles what an async listener rejects with, which would end a Node process. It may be a promise of another realm or
 * library.
 */
function ignoreRejection(result: unknown, onFailure: () => void): void {
  const { then } = Object(result) as { then?: unknown };
  if (typeof then === 'function') then.call(result, undefined, onFailure);
}
