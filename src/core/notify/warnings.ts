import type { Destination } from '../model/destination.js';
import type { Warning } from '../model/events.js';
import { cleanText, describeError, type Redactor, shortText } from '../model/foreign-text.js';
import type { Clock } from '../time/clock.js';
import type { Emitter, ListenerFailure } from './emitter.js';

const MAX_WARNINGS = 100;
/** Keeps a frequent kind of warning from displacing all other kinds. */
const MAX_OF_A_KIND = 20;
/** In UTF-16 units, as a storage may return any text. */
const MAX_MESSAGE = 2000;

/** The warnings of a client, each once, oldest first; at most 100, of which 20 of the same kind. */
export class Warnings {
  readonly #emitter: Emitter;
  readonly #redactor: Redactor;
  #all: readonly Warning[] = Object.freeze([]);

  constructor(emitter: Emitter, redactor: Redactor) {
    this.#emitter = emitter;
    this.#redactor = redactor;
  }

  /** Frozen, with frozen warnings; a new array whenever it changes. */
  get all(): readonly Warning[] {
    return this.#all;
  }

  add({ code, message: text }: Warning): void {
    const ofKind = this.#all.filter((kept) => kept.code === code);
    if (ofKind.length >= MAX_OF_A_KIND || this.#all.length >= MAX_WARNINGS) return;
    // A storage may hold texts of a run that had swapped Device ID and API Key.
    const shown = this.#redactor.redact(cleanText(text.slice(0, MAX_MESSAGE)));
    if (ofKind.some(({ message }) => message === shown)) return;
    const warning = Object.freeze({ code, message: ofKind.length < MAX_OF_A_KIND - 1 ? shown : MORE });
    this.#all = Object.freeze([...this.#all, warning]);
    this.#emitter.emit('warning', warning);
  }

  /** Removes the warnings of a kind, once their cause is gone. @param text - Only warnings that contain it. */
  remove(code: Warning['code'], text = ''): void {
    this.#all = Object.freeze(this.#all.filter((kept) => kept.code !== code || !kept.message.includes(text)));
  }

  /** Adds a warning during construction; its event follows in a later task, as no listener exists yet. */
  defer(warning: Warning, clock: Clock): void {
    this.#all = Object.freeze([...this.#all, Object.freeze(warning)]);
    clock.setTimer(() => this.#emitter.emit('warning', warning), 0);
  }
}

const MORE = 'More warnings of this kind are not kept.';

/** The lengths from which the queue causes a warning. */
const LONG = { entries: 100_000, bytes: 64_000_000 };

/** Warns once when the queue is long, and again only after the queue fell below half of the limits. */
export class QueueLength {
  readonly #queue: { readonly length: number; readonly bytes: number };
  readonly #warnings: Pick<Warnings, 'add' | 'remove'>;
  #isLong = false;

  constructor(queue: { readonly length: number; readonly bytes: number }, warnings: Pick<Warnings, 'add' | 'remove'>) {
    this.#queue = queue;
    this.#warnings = warnings;
  }

  /** Entries were queued. */
  onEnqueued(): void {
    if (this.#isLong || !this.#exceeds(1)) return;
    this.#isLong = true;
    this.#warnings.add(queueLong(this.#queue.length, this.#queue.bytes));
  }

  /** Entries left the outbox. */
  onRemoved(): void {
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
  message: `${entries} entries (${Math.round(bytes / 1e6)} MB) are queued. See status().lastException; maxQueuedEntries and overflow bound the queue.`,
});

export const insecureUrl = (baseUrl: string): Warning => ({
  code: 'insecure-url',
  message: `baseUrl ${shortText(baseUrl)} is plain http: the API key and the readings cross the network unencrypted, and anyone on it can forge answers. Use https.`,
});

export const listenerFailed = ({ source, error }: ListenerFailure): Warning => ({
  code: 'listener-failed',
  message: `A listener of ${source} threw ${describeError(error)}. Nothing else is affected.`,
});

/** @param field - Formatted for messages. */
export const valueRefused = (field: string): Warning => ({
  code: 'value-refused',
  message: `The server holds a value of the field ${field} that its schema refuses: get and watch leave it out.`,
});

export const STORAGE_FAILED: Readonly<Record<FailedOperation, Warning>> = {
  remove: {
    code: 'storage-failed',
    message:
      'The storage failed to remove entries that were stored by the server or discarded. It is tried again; after a crash before that, they are sent again.',
  },
  save: {
    code: 'storage-failed',
    message:
      'The storage failed to save deleted entries again. It is tried again; until then, queued entries are only in memory.',
  },
  quarantine: {
    code: 'storage-failed',
    message:
      'The storage failed to record that entries are in quarantine. It is tried again; after a crash before that, they are sent again.',
  },
};

export const fenced = (entries: number): Warning => ({
  code: 'taken-over',
  message: `This page or process was hidden, frozen or stopped, and another page or process has adopted its queued entries (${entries} entries) and pushes them. New entries are pushed here.`,
});

export const CLEARED: Warning = {
  code: 'storage-cleared',
  message:
    'Saved entries were deleted, by the user or by this site, or the disk failed. Queued entries are in memory too, and are saved again.',
};

export const ADOPTION_FAILED: Warning = {
  code: 'storage-failed',
  message:
    'Entries left behind by earlier runs could not be read. They stay in the storage, and reading is tried again.',
};

export const WEAK_IDS: Warning = {
  code: 'weak-ids',
  message:
    "This platform has no cryptographic random numbers: if Math.random is seeded, runs may overwrite each other's entries. Provide crypto.getRandomValues first.",
};

/** @param where - The place, as a part of the sentence. */
export const entriesWaiting = ({ deviceId, baseUrl }: Destination, where: string): Warning => ({
  code: 'entries-waiting',
  message: `Entries committed for device ${shortText(deviceId)} at ${shortText(baseUrl)} wait in ${where}. They are safe; an Api with that deviceId and baseUrl pushes them.`,
});

/** The failed operation of a storage: `remove` entries, `save` deleted entries again, mark entries in `quarantine`. */
export type FailedOperation = 'remove' | 'save' | 'quarantine';
