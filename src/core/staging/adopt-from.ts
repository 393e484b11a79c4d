import type { Destination } from '../model/destination.js';
import { toEntry } from '../model/entry.js';
import type { Emitter } from '../notify/emitter.js';
import type { Warnings } from '../notify/warnings.js';
import type { StorageAdapter } from '../ports/storage.js';
import type { Clock } from '../time/clock.js';
import type { Committer } from './committer.js';

/** The parts of a client that an adoption from another destination uses. */
export interface AdoptFromParts {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  readonly committer: Pick<Committer, 'restore'>;
  readonly emitter: Emitter;
  readonly warnings: Pick<Warnings, 'remove'>;
}

/**
 * Adopts the entries that dead writers left for another destination, by a writer of that destination: they are committed again
 * here before they are removed there, so that a crash in between sends them twice and loses none.
 *
 * @returns How many.
 * @throws {@link StorageException} if they could not all be saved; then none is adopted.
 */
export async function adoptFrom(parts: AdoptFromParts, from: Destination): Promise<number> {
  const { storage, clock, committer, emitter, warnings } = parts;
  const writer = storage.open(from, clock);
  try {
    const { entries } = await writer.adopt({ isFirst: false });
    emitter.operation(() => {
      committer.restore(entries.map((entry) => toEntry(entry)));
      writer.remove(entries);
      warnings.remove('entries-waiting', `${from.deviceId} at ${from.baseUrl} `);
      if (entries.length > 0) emitter.emit('adopt', { entries: entries.length, quarantined: 0, staged: 0 });
    });
    return entries.length;
  } finally {
    writer.close();
  }
}
