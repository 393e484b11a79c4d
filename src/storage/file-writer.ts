import type { Binding } from '../core/binding.js';
import type { Clock } from '../core/clock.js';
import type { StoredEntry } from '../core/entry.js';
import type { Adoption, Loss, Writer } from '../core/storage.js';
import type { Value } from '../core/value.js';
import type { FileStore } from './file-store.js';

/** What a store knows of a writer that is open. */
export interface Tenant {
  id: string;
  readonly binding: Binding;
  /** Whether the journal holds staged values of it. */
  hasStaged: boolean;
  /** Whether a file of its was deleted or cut: told at the next check. */
  isCleared: boolean;
  /** What others took of it: told at the next check. */
  taken: { readonly writers: ReadonlySet<string>; readonly isStagedTaken: boolean } | undefined;
}

/** One run of one `Api` in a folder. */
export class FileWriter implements Writer {
  readonly #store: FileStore;
  readonly #tenant: Tenant;
  readonly #clock: Clock;
  #run: number | undefined;

  constructor(store: FileStore, tenant: Tenant, clock: Clock) {
    this.#store = store;
    this.#tenant = tenant;
    this.#clock = clock;
  }

  get id(): string {
    return this.#tenant.id;
  }

  check(): Loss | undefined {
    const tenant = this.#tenant;
    // A push that was under way may still ask: what was given back is not to be saved again.
    if (!this.#store.isOpen(tenant)) return undefined;
    this.#store.pulse.beatIfLate(this.#clock);
    const { taken, isCleared } = tenant;
    tenant.taken = undefined;
    if (taken !== undefined) return { kind: 'taken', ...taken };
    tenant.isCleared = false;
    return isCleared ? { kind: 'cleared' } : undefined;
  }

  save(entry: StoredEntry, forgetStaged: boolean): void {
    const tenant = this.#tenant;
    this.#store.journal(this.#clock).saveEntry(entry, tenant.binding, forgetStaged && tenant.hasStaged);
    if (forgetStaged) tenant.hasStaged = false;
  }

  saveAgain(entries: readonly StoredEntry[]): void {
    if (this.#store.isOpen(this.#tenant)) this.#store.saveAgain(this.#tenant, entries, this.#clock);
  }

  remove(entries: readonly StoredEntry[]): void {
    this.#store.remove(entries);
  }

  quarantine(entries: readonly StoredEntry[]): void {
    this.#store.quarantine(entries);
  }

  saveStaged(values: readonly Value[]): void {
    const tenant = this.#tenant;
    if (values.length === 0 && !tenant.hasStaged) return;
    try {
      this.#store.pulse.beatIfLate(this.#clock);
      this.#run ??= this.#store.nextRun();
      this.#store.journal(this.#clock).saveStaged(tenant.id, tenant.binding, this.#run, values);
      tenant.hasStaged = values.length > 0;
    } catch {
      // Best effort: staged values are promised nothing before they are committed.
    }
  }

  async adopt(atStart: boolean): Promise<Adoption> {
    // In a later turn: an Api that is closed in the task that opened it takes nothing.
    await undefined;
    if (!this.#store.isOpen(this.#tenant)) return { entries: [], staged: [], warnings: [] };
    return this.#store.adopt(this.#tenant, this.#clock, atStart);
  }

  close(): void {
    this.#store.close(this.#tenant, this.#clock);
  }
}
