import { BACKGROUND, type Clock } from '../../../core/time/clock.js';
import type { Contents, WriterLog } from '../../shared/journal/contents.js';
import { quietly } from '../../shared/quietly.js';
import type { Journal } from '../journal/journal.js';
import type { JournalReconciler } from './journal-reconciler.js';
import type { StoreState } from './open-journals.js';

/** Adopted entries that stay longer in a journal that other destinations wait for are moved out of it. */
const EVACUATE_AFTER_MS = 60_000;

/** Moves entries out of shared journals. A crash in between leaves them in both journals, so that they may be sent twice, in order. */
export class Evacuation {
  readonly #state: StoreState;
  readonly #reconciler: Pick<JournalReconciler, 'restoreTruncated'>;
  /** Whether closed writers may have entries in the store's own journal. */
  #isPending = false;
  #cancelTimer = (): void => {};

  constructor(state: StoreState, reconciler: Pick<JournalReconciler, 'restoreTruncated'>) {
    this.#state = state;
    this.#reconciler = reconciler;
  }

  /** Evacuates the entries of closed writers in a later task: if all writers are closed before, the whole journal is released. */
  schedule(clock: Clock): void {
    this.#isPending = true;
    this.cancel();
    this.#cancelTimer = clock.setTimer(() => this.#evacuateClosed(clock), 0, BACKGROUND);
  }

  cancel(): void {
    this.#cancelTimer();
  }

  /** Evacuates the entries of closed writers if that failed before, and adopted entries. */
  run(clock: Clock): void {
    if (this.#isPending) this.#evacuateClosed(clock);
    this.#evacuateAdopted(clock);
  }

  /** Moves the entries of closed writers from the store's own journal to a journal without an owner. */
  #evacuateClosed(clock: Clock): void {
    const { journals, orphans, writers } = this.#state;
    this.#isPending = false;
    // Reading a truncated journal would hide the loss.
    this.#reconciler.restoreTruncated(clock);
    const { own } = journals;
    if (own === undefined) return;
    const isOrphan = (writer: string): boolean => !writers.has(writer) && !orphans.isAdopted(writer, own);
    if (![...own.live.writers].some(isOrphan)) return;
    own.handle.reopenIfDead();
    const target = journals.create(clock);
    if (!evacuate(own, target, ({ logs }) => new Map([...logs].filter(([writer]) => isOrphan(writer))))) {
      this.#isPending = true;
      return;
    }
    orphans.invalidate();
    journals.add(target);
    journals.release(target);
  }

  /** Moves adopted entries out of journals that other destinations wait for: the server may refuse these entries for long. */
  #evacuateAdopted(clock: Clock): void {
    const { journals, orphans, writers } = this.#state;
    for (const journal of journals.adoptedBefore(clock.monotonic() - EVACUATE_AFTER_MS)) {
      if (!orphans.hasOrphansIn(journal, (key) => !writers.isServed(key))) continue;
      const target = journals.create(clock);
      const selectAdopted = ({ logs }: Contents): Map<string, WriterLog> => {
        const adopted = [...logs].filter(([writer]) => orphans.isAdopted(writer, journal));
        // Staged values are adopted separately.
        return new Map(adopted.map(([writer, log]) => [writer, { ...log, staged: undefined }]));
      };
      if (!evacuate(journal, target, selectAdopted)) continue;
      for (const writer of target.live.writers) orphans.moveAdoption(writer, journal, target);
      journals.add(target);
      journals.releaseUnused();
    }
  }
}

/** @returns Whether the selected records are in the new journal. */
function evacuate(from: Journal, to: Journal, select: (contents: Contents) => Map<string, WriterLog>): boolean {
  let moved: Map<string, WriterLog>;
  try {
    moved = select(from.read());
    from.copyTo(to, moved);
  } catch {
    to.delete();
    return false;
  }
  // If that fails, records are in both journals, as after a crash.
  quietly(() => from.removeWriters(moved));
  return true;
}
