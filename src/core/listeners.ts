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
  tell(event: Event, onFailure: () => void): void {
    // A copy: one may be added or taken away meanwhile.
    for (const listener of [...this.#all]) {
      try {
        const result = listener(event);
        // An async listener: its rejection would end a Node process.
        if (result instanceof Promise) result.catch(onFailure);
      } catch {
        onFailure();
      }
    }
  }
}
