import type { Binding } from '../model/destination.js';
import type { Warning } from '../model/events.js';
import { cleanText, shortText } from '../model/foreign-text.js';
import type { Clock } from '../time/clock.js';
import type { Emitter } from './emitter.js';

const MAX_WARNINGS = 100;
/** So that one kind, such as of foreign entries, leaves room for the others. */
const MAX_OF_A_KIND = 20;
/** In UTF-16 units: a storage may give any text. */
const MAX_MESSAGE = 2000;

/** What is not as it should be, each once, oldest first; at most 100, and 20 of a kind. */
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
    const ofKind = this.#all.filter((kept) => kept.code === code);
    if (ofKind.length >= MAX_OF_A_KIND || this.#all.length >= MAX_WARNINGS) return;
    const shown = this.#redact(cleanText(text.slice(0, MAX_MESSAGE)));
    if (ofKind.some(({ message }) => message === shown)) return;
    const warning = Object.freeze({ code, message: ofKind.length < MAX_OF_A_KIND - 1 ? shown : MORE });
    this.#all = Object.freeze([...this.#all, warning]);
    this.#emitter.emit('warning', warning);
  }

  /** Takes those of a kind away again, whose reason is over. */
  remove(code: Warning['code']): void {
    this.#all = Object.freeze(this.#all.filter((kept) => kept.code !== code));
  }

  /** For those of a constructor: nobody can listen before it has returned. */
  defer(warning: Warning, clock: Clock): void {
    this.#all = Object.freeze([...this.#all, Object.freeze(warning)]);
    clock.setTimer(() => this.#emitter.emit('warning', warning), 0);
  }
}

const MORE = 'There are more warnings of this kind, which are not kept.';

/** How many entries, or bytes of them, are worth a warning. */
const LONG = { entries: 100_000, bytes: 64_000_000 };

/** Warns once that the queue is long, and again only after it fell below half of that. */
export class QueueLength {
  readonly #queue: { readonly length: number; readonly bytes: number };
  readonly #warnings: Pick<Warnings, 'add' | 'remove'>;
  #isLong = false;

  constructor(queue: { readonly length: number; readonly bytes: number }, warnings: Pick<Warnings, 'add' | 'remove'>) {
    this.#queue = queue;
    this.#warnings = warnings;
  }

  /** Entries were queued: a listener of the warning may commit. */
  onEnqueued(): void {
    if (this.#isLong || !this.#exceeds(1)) return;
    this.#isLong = true;
    this.#warnings.add(queueLong(this.#queue.length, this.#queue.bytes));
  }

  /** The queue changed. */
  onChange(): void {
    if (!this.#isLong || this.#exceeds(0.5)) return;
    this.#isLong = false;
    this.#warnings.remove('queue-long');
  }

  #exceeds(share: number): boolean {
    return this.#queue.length >= LONG.entries * share || this.#queue.bytes >= LONG.bytes * share;
  }
}

const queueLong = (entries: number, bytes: number): Warning => ({
  code: 'queue-long',
  message: `${entries} entries (${Math.round(bytes / 1e6)} MB) are queued, and every commit adds to them. See why pushes don't empty the queue (status().lastException), and bound it: maxQueuedEntries, and overflow for what becomes of a commit then.`,
});

export const insecureUrl = (baseUrl: string): Warning => ({
  code: 'insecure-url',
  message: `baseUrl ${shortText(baseUrl)} is plain http: the API key and the readings cross the network in the clear, and anyone there can forge answers. Use https.`,
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
  message: `Entries committed for device ${shortText(deviceId)} at ${shortText(baseUrl)} wait in ${where}. They are safe; an Api with that deviceId and baseUrl pushes them.`,
});

/** What a storage fails at: to forget what is done with, to save again what was deleted, to note what is in quarantine. */
export type FailedOperation = 'remove' | 'save' | 'quarantine';
