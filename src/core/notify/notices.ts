import type { Warning } from '../model/events.js';
import type { PushException } from '../model/request-exceptions.js';
import type { Environment } from '../ports/environment.js';
import type { Emitter } from './emitter.js';

/** The parts of a client that notices are about. */
export interface NoticeParts {
  readonly emitter: Emitter;
  readonly environment: Pick<Environment, 'warn' | 'countInMemory'>;
  readonly outbox: { readonly length: number };
}

/** Notices for a developer who listens to no event: on the console, and on stderr as a process ends. */
export class Notices {
  readonly #parts: NoticeParts;
  #isCounting: boolean;
  #counted = 0;

  /** @param config - `isInMemory`: whether queued entries end with the process. */
  constructor(parts: NoticeParts, config: { readonly isInMemory: boolean }) {
    this.#parts = parts;
    this.#isCounting = config.isInMemory;
  }

  onWarning({ code, message }: Warning): void {
    const { emitter, environment } = this.#parts;
    if (!emitter.hasListener('warning')) environment.warn?.(code, message);
  }

  /** The kind of an error is the prefix of its message: `Bad luck` or `Bad request`. */
  onError({ message, advice }: PushException): void {
    const { emitter, environment } = this.#parts;
    if (!emitter.hasListener('error')) environment.warn?.(message.slice(0, 8), `${message}\n${advice}`);
  }

  /** Entries were queued, or left the outbox. */
  onQueueChanged(): void {
    if (this.#isCounting) this.#count(this.#parts.outbox.length);
  }

  close(): void {
    this.#isCounting = false;
    this.#count(0);
  }

  #count(entries: number): void {
    this.#parts.environment.countInMemory?.(entries - this.#counted);
    this.#counted = entries;
  }
}
