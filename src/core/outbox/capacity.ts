import { StorageException } from '../model/exceptions.js';
import { shortText } from '../model/foreign-text.js';

/** The most that may be queued. */
export interface CapacityLimits {
  readonly maxEntries: number;
  /** Of the values' JSON, in UTF-8. */
  readonly maxBytes: number;
}

/** By how much new entries exceed a capacity. */
export interface Shortage {
  readonly entries: number;
  readonly bytes: number;
}

interface Contents {
  readonly length: number;
  readonly bytes: number;
  readonly quarantine: { readonly size: number; readonly bytes: number };
}

type Refusal = Pick<StorageException, 'message' | 'advice' | 'isFull' | 'cause'>;
type Sized = readonly { readonly bytes: number }[];

/** How much an outbox may hold; quarantined entries take space too. */
export class Capacity {
  readonly #limits: CapacityLimits;
  readonly #contents: Contents;

  constructor(limits: CapacityLimits, contents: Contents) {
    this.#limits = limits;
    this.#contents = contents;
  }

  /** The bytes of UTF-8 that all values take. */
  get usedBytes(): number {
    return this.#contents.bytes + this.#contents.quarantine.bytes;
  }

  /** Whether one more entry fits. */
  fits(bytes: number): boolean {
    const { maxEntries, maxBytes } = this.#limits;
    return this.#usedEntries < maxEntries && this.usedBytes + bytes <= maxBytes;
  }

  /** @param replaced - Quarantined entries that leave once the new ones are saved. */
  shortage(added: Sized, replaced: Sized): Shortage {
    return {
      entries: added.length - replaced.length + this.#usedEntries - this.#limits.maxEntries,
      bytes: bytesOf(added) - bytesOf(replaced) + this.usedBytes - this.#limits.maxBytes,
    };
  }

  /** The reason why new entries do not fit, as `isFull` of a {@link StorageException}: `false` if they never fit. */
  refusal(added: Sized, { entries }: Shortage): Refusal {
    const { maxEntries, maxBytes } = this.#limits;
    const bytes = bytesOf(added);
    const advice = 'Raise maxQueuedBytes, or commit less at once.';
    if (bytes > maxBytes)
      return { message: `${bytes} bytes exceed maxQueuedBytes (${maxBytes})`, advice, isFull: false, cause: undefined };
    const message =
      entries > 0 ? `maxQueuedEntries (${maxEntries}) is reached` : `maxQueuedBytes (${maxBytes}) is reached`;
    return { message, advice: '', isFull: true, cause: undefined };
  }

  get #usedEntries(): number {
    return this.#contents.length + this.#contents.quarantine.size;
  }

  /** Adds the consequence for the entry to a failure. */
  notSaved(origin: 'committed' | 'restored', { message, advice, isFull, cause }: Refusal): StorageException {
    const { length, bytes, quarantine } = this.#contents;
    const { size } = quarantine;
    const reason = shortText(message);
    const [staged, again] = origin === 'committed' ? ['. The values are still staged.', 'commit'] : ['.', 'restore'];
    return new StorageException(
      `The entry could not be saved: ${reason}. Still queued and safe: ${length} (${bytes} bytes)` +
        `${size > 0 ? `; in quarantine: ${size}` : ''}${staged}`,
      {
        advice: advice || `Push the queue${size > 0 ? ', dropQuarantined(),' : ''} or free space, then ${again} again.`,
        isFull,
        reason,
        cause,
      },
    );
  }
}

const bytesOf = (sized: Sized): number => sized.reduce((sum, { bytes }) => sum + bytes, 0);
