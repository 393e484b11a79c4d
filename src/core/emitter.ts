import type { Events } from './events.js';
import { Listeners } from './listeners.js';

type OfEach = { [Name in keyof Events]?: Listeners<Events[Name]> };

/** Sends events to listeners. A listener that throws or rejects harms neither the sender nor the other listeners. */
export class Emitter {
  readonly #listeners: OfEach = {};
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
    listeners?.tell(event, () => this.#onFailure(name));
  }
}
