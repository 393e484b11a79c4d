import { type Entry, type QueuedEntry, toEntry } from '../model/entry.js';
import { closedException } from '../model/request-exceptions.js';
import type { Value } from '../model/value.js';
import { encodeWithSize } from '../model/values-json.js';
import type { Emitter } from '../notify/emitter.js';
import type { Eviction } from '../outbox/eviction.js';
import type { Expiry } from '../outbox/expiry.js';
import type { Lanes } from '../outbox/lanes.js';
import type { Draft, Outbox } from '../outbox/outbox.js';
import type { ClockCorrection } from '../time/clock-correction.js';
import type { DeadBands } from './dead-bands.js';
import type { Staging } from './staging.js';

/** The parts of a client that a committer uses. */
export interface CommitterParts {
  readonly staging: Staging;
  readonly outbox: Outbox;
  readonly eviction: Eviction;
  readonly expiry: Pick<Expiry, 'expireHead'>;
  readonly lanes: Lanes;
  readonly clockCorrection: ClockCorrection;
  /** Absent if no field has a dead band. */
  readonly deadBands: DeadBands | undefined;
  readonly emitter: Emitter;
}

interface CommitDetails {
  readonly timestamp?: number | undefined;
  readonly urgent?: boolean | undefined;
}

/** Makes entries of the staged values, and of entries to restore. */
export class Committer {
  readonly #parts: CommitterParts;
  readonly #restored = new WeakSet<Entry>();
  #isClosed = false;

  constructor(parts: CommitterParts) {
    this.#parts = parts;
  }

  /**
   * @param given - `timestamp`: whole Unix seconds; now if absent. `urgent`: whether the entry goes first.
   * @returns `undefined` if nothing was staged, or dead bands left out every value.
   * @throws {@link StorageException} if the entry could not be saved: the values are still staged.
   */
  commit(given?: CommitDetails): Entry | undefined {
    const { eviction, expiry, emitter } = this.#parts;
    emitter.begin();
    try {
      expiry.expireHead();
      for (let failures = 0; ; failures++) {
        try {
          return this.#commit(given);
        } catch (error) {
          eviction.makeSpace(error, failures);
        }
      }
    } finally {
      emitter.complete();
    }
  }

  /**
   * Commits entries again, with their timestamps. Entry objects that were restored before are ignored.
   *
   * @returns The new entries.
   * @throws {@link StorageException} if an entry can't be saved; then no entry is restored.
   */
  restore(entries: readonly Entry[]): Entry[] {
    return this.#parts.emitter.operation(() => this.#restore(entries));
  }

  #restore(entries: readonly Entry[]): Entry[] {
    const { eviction, outbox } = this.#parts;
    const missing = [...new Set(entries)].filter((entry) => !this.#restored.has(entry));
    const drafts = missing.map(({ timestamp, values }) => draftOf(values, { timestamp, epoch: undefined }));
    const leaving = missing.map(({ id }) => id);
    for (let failures = 0; ; failures++) {
      try {
        this.#checkOpen();
        const restored = outbox.requeue(drafts, leaving);
        for (const entry of missing) this.#restored.add(entry);
        return restored.map((entry) => toEntry(entry));
      } catch (error) {
        eviction.makeSpace(error, failures, leaving);
      }
    }
  }

  /** Makes no further entry, even if a listener of an eviction closes the client. */
  close(): void {
    this.#isClosed = true;
  }

  #commit(given: CommitDetails | undefined): Entry | undefined {
    const { outbox, emitter } = this.#parts;
    try {
      return outbox.whenOwned(this.#commitStaged, given);
    } catch (error) {
      // The storage may have removed the saved staged values to free space.
      emitter.emit('staged');
      throw error;
    }
  }

  readonly #commitStaged = (given: CommitDetails | undefined): Entry | undefined => {
    const { staging, deadBands } = this.#parts;
    this.#checkOpen();
    const staged = staging.values();
    const values = deadBands?.select(staged) ?? staged;
    const queued = values.length > 0 ? this.#append(values, given?.timestamp) : undefined;
    deadBands?.onCommitted(values, staged.length - values.length);
    if (staged.length > 0) staging.removeAll();
    return queued && this.#announce(queued, values, given?.urgent === true);
  };

  #append(values: readonly Value[], timestamp: number | undefined): QueuedEntry {
    const { outbox, clockCorrection } = this.#parts;
    return outbox.append(
      draftOf(values, timestamp === undefined ? clockCorrection.stamp() : { timestamp, epoch: undefined }),
    );
  }

  #announce(queued: QueuedEntry, values: readonly Value[], isUrgent: boolean): Entry {
    const { lanes, emitter } = this.#parts;
    lanes.add(queued, isUrgent);
    if (isUrgent) emitter.emit('urgent');
    const entry = toEntry(queued, values);
    emitter.emit('commit', entry);
    return entry;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closedException();
  }
}

function draftOf(values: readonly Value[], { timestamp, epoch }: Pick<Draft, 'timestamp' | 'epoch'>): Draft {
  const { text, bytes } = encodeWithSize(values);
  return { timestamp, values: text, bytes, epoch };
}
