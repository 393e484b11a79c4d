import type { Binding } from '../core/binding.js';
import type { Clock } from '../core/clock.js';
import { encodeRecord } from '../core/entry.js';
import { StorageException } from '../core/exceptions.js';
import { randomId } from '../core/random-id.js';
import type { Adoption, StorageAdapter, Writer } from '../core/storage.js';
import { SequenceSet } from './sequence-set.js';
import { WebAdoption } from './web-adoption.js';
import {
  encodeStaged,
  entryKey,
  findWriters,
  lockName,
  RUNS_KEY,
  stagedKey,
  type WebStorageLike,
  writerKey,
} from './web-keys.js';
import { holdLock, type LocksLike } from './web-lease.js';

declare const navigator: { readonly locks?: LocksLike } | undefined;

/**
 * Keeps entries in `localStorage`, one key per entry. They survive reload, a crash of the tab and a clean quit of the
 * browser, but not `kill -9` of the browser within some seconds. What a tab left, the next or another one that is open
 * adopts and pushes.
 *
 * @param storage - `localStorage`, or something shaped like it.
 * @param locks - The Web Locks by which tabs know each other to be alive. Absent on plain http: then what earlier visits
 *   left can't be taken over, and waits.
 * @example
 * ```ts
 * const api = new Api({ deviceId: '…', apiKey: '…', storage: webStorage(localStorage) })
 * ```
 */
export function webStorage(
  storage: WebStorageLike,
  locks: LocksLike | undefined = typeof navigator === 'undefined' ? undefined : navigator.locks,
): StorageAdapter {
  return { durability: 'tab', open: (binding, clock) => openWriter(storage, locks, binding, clock) };
}

function openWriter(storage: WebStorageLike, locks: LocksLike | undefined, binding: Binding, clock: Clock): Writer {
  const id = randomId(clock);
  const release = locks && holdLock(locks, lockName(id));
  const adoption = locks && new WebAdoption(storage, locks, id, binding, clock);
  const saved = new SequenceSet();
  let introduced = false;
  let run: number | undefined;
  let stagedSaved = false;

  const forgetStaged = (): void => {
    if (stagedSaved) storage.removeItem(stagedKey(id));
    stagedSaved = false;
  };
  /** The binding comes before the first key that needs it: what a crash cuts off is always a tail. */
  const set = (key: string, value: string): void => {
    if (!introduced) storage.setItem(writerKey(id), JSON.stringify(binding));
    introduced = true;
    storage.setItem(key, value);
  };
  const nextRun = (): number => {
    const next = (Number(storage.getItem(RUNS_KEY)) || 0) + 1;
    storage.setItem(RUNS_KEY, String(next));
    return next;
  };

  return {
    id,
    save(entry, madeOfStaged) {
      try {
        if (madeOfStaged) forgetStaged();
        set(entryKey(id, entry.sequence), encodeRecord(entry));
        saved.add(entry.sequence);
      } catch (error) {
        throw storageException(error);
      }
    },
    check: () => undefined,
    saveAgain: () => {},
    remove(entries) {
      try {
        for (const { writer, sequence } of entries) {
          storage.removeItem(entryKey(writer, sequence));
          if (writer === id) saved.delete(sequence);
        }
        adoption?.removed(entries);
      } catch (error) {
        throw storageException(error);
      }
    },
    saveStaged(values) {
      try {
        if (values.length === 0) return forgetStaged();
        run ??= nextRun();
        set(stagedKey(id), encodeStaged(run, values));
        stagedSaved = true;
      } catch {
        // Best effort: staged values are promised nothing before they are committed.
      }
    },
    adopt: async (atStart) => adoption?.adopt(atStart) ?? withoutLocks(storage, id),
    close() {
      adoption?.close();
      try {
        // With nothing left below it, the binding is of no use to anybody.
        if (introduced && saved.size === 0 && !stagedSaved) storage.removeItem(writerKey(id));
      } catch {
        // Whoever looks next clears it away.
      }
      release?.();
    },
  };
}

/** Without a proof of life nobody may take anything: it could be a living tab's. */
function withoutLocks(storage: WebStorageLike, own: string): Adoption {
  const others = [...findWriters(storage)].filter(([writer, { sequences }]) => writer !== own && sequences.length > 0);
  const message =
    'Entries of earlier visits wait in localStorage. They are kept, but not pushed: this page is not served over https and so has no Web Locks to tell whether another tab still uses them. Serve the page over https, and push before it is closed.';
  return { entries: [], staged: [], warnings: others.length > 0 ? [{ code: 'adoption-unavailable', message }] : [] };
}

/** The constructor of a quota error differs by browser; its name does not. */
function storageException(error: unknown): StorageException {
  const name = error instanceof Object && 'name' in error ? String(error.name) : 'unknown';
  return name === 'QuotaExceededError'
    ? new StorageException(
        'localStorage is full (QuotaExceededError)',
        'Push, or remove other data of this site, then commit again.',
      )
    : new StorageException(
        `localStorage refused (${name})`,
        'The browser may have withdrawn the right to store data for this site.',
      );
}
