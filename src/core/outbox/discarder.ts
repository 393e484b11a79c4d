import { type Entry, type QueuedEntry, toEntry } from '../model/entry.js';
import type { DiscardEvent } from '../model/events.js';
import type { Emitter } from '../notify/emitter.js';
import type { Outbox } from './outbox.js';

/** Bounds the size of an event, and of a record in the storage. */
const SLICE = 1000;

/** Removes entries that leave undelivered, after the `discard` event that carries them. */
export class Discarder {
  readonly #outbox: Outbox;
  readonly #emitter: Emitter;
  #isBusy = false;

  constructor({ outbox, emitter }: { readonly outbox: Outbox; readonly emitter: Emitter }) {
    this.#outbox = outbox;
    this.#emitter = emitter;
  }

  /** Whether listeners are being notified of entries that are still queued: those must not be sent. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** @param entries - Quarantined entries first. None is checked out. @returns The entries. */
  discard(entries: readonly QueuedEntry[], about: Pick<DiscardEvent, 'reason' | 'message'>): Entry[] {
    const shown = entries.map((entry) => toEntry(entry));
    for (let start = 0; start < shown.length; start += SLICE) {
      const end = start + SLICE;
      const wasBusy = this.#isBusy;
      this.#isBusy = true;
      this.#emitter.emit('discard', { ...about, entries: shown.slice(start, end) });
      // Before the entries go: a listener can still save them elsewhere if this process ends here.
      this.#emitter.flush();
      this.#isBusy = wasBusy;
      this.#outbox.evict(entries.slice(start, end));
    }
    return shown;
  }
}
