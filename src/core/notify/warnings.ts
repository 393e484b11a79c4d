import type { Binding } from '../model/destination.js';
import type { Warning } from '../model/events.js';
import { cleanText } from '../model/foreign-text.js';
import type { Clock } from '../time/clock.js';
import type { Emitter } from './emitter.js';

/** What is not as it should be, each once, oldest first. */
export class Warnings {
  readonly #emitter: Emitter;
  readonly #redact: (text: string) => string;
  #all: readonly Warning[] = Object.freeze([]);

  /** @param redact - Takes out what must not be shown. */
  constructor(emitter: Emitter, redact: (text: string) => string) {
    this.#emitter = emitter;
    this.#redact = redact;
  }

  /** Another array whenever one is added; frozen, as they are. */
  get all(): readonly Warning[] {
    return this.#all;
  }

  add({ code, message: text }: Warning): void {
    // What is in the storage may be of a run that had device id and key swapped.
    const warning = Object.freeze({ code, message: this.#redact(cleanText(text)) });
    if (this.#all.some(({ message }) => message === warning.message)) return;
    this.#all = Object.freeze([...this.#all, warning]);
    this.#emitter.emit('warning', warning);
  }

  /** For those of a constructor: nobody can listen before it has returned. */
  defer(warning: Warning, clock: Clock): void {
    this.#all = Object.freeze([...this.#all, Object.freeze(warning)]);
    clock.setTimer(() => this.#emitter.emit('warning', warning), 0);
  }
}

export const insecureUrl = (baseUrl: string): Warning => ({
  code: 'insecure-url',
  message: `baseUrl ${baseUrl} is plain http: the API key and the readings cross the network in the clear. Use https.`,
});

export const listenerFailed = (name: string): Warning => ({
  code: 'listener-failed',
  message: `A listener of the event "${name}" threw. Nothing else was harmed.`,
});

export const SUBSCRIBER_FAILED: Warning = {
  code: 'listener-failed',
  message: 'A listener of subscribe() threw. Nothing else was harmed.',
};

export const STORAGE_FAILED: Readonly<Record<FailedOperation, Warning>> = {
  remove: {
    code: 'storage-failed',
    message:
      'The storage failed to forget entries that are done with. It is tried again; after a crash before that, they are sent again.',
  },
  save: {
    code: 'storage-failed',
    message:
      'The storage failed to save again what was deleted in it. It is tried again; until then, what is queued is in memory alone.',
  },
  quarantine: {
    code: 'storage-failed',
    message:
      'The storage failed to note that entries are in quarantine. It is tried again; after a crash before that, they are sent once more.',
  },
};

export const takenOver = (entries: number): Warning => ({
  code: 'taken-over',
  message: `This page or process was hidden, frozen or stopped, and another took over what it had queued (${entries} entries). That one pushes it; what is committed here from now on is pushed here.`,
});

export const CLEARED: Warning = {
  code: 'storage-cleared',
  message:
    'What was saved in the storage was deleted, by the user or by this site, or its disk failed. What is still queued here was in memory too, and is saved again.',
};

export const ADOPTION_FAILED: Warning = {
  code: 'storage-failed',
  message: 'What earlier runs left in the storage could not be read. It is left where it is, and tried again.',
};

export const WEAK_IDS: Warning = {
  code: 'weak-ids',
  message:
    'This platform has no cryptographic random numbers: where Math.random is seeded, two runs may draw the same ids, and the entries of one replace those of the other. Put a crypto.getRandomValues in place before the first Api is made.',
};

/** @param where - In the middle of a sentence. */
export const entriesWaiting = ({ deviceId, baseUrl }: Binding, where: string): Warning => ({
  code: 'entries-waiting',
  message: `Entries committed for device ${deviceId} at ${baseUrl} wait in ${where}. They are safe; an Api with that deviceId and baseUrl pushes them.`,
});

/** What a storage fails at: to forget what is done with, to save again what was deleted, to note what is in quarantine. */
export type FailedOperation = 'remove' | 'save' | 'quarantine';
