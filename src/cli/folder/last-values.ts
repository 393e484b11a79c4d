import { uptime } from 'node:os';
import { type Destination, sameDestination } from '../../core/model/destination.js';
import { entryId, type StoredEntry } from '../../core/model/entry.js';
import { decodeValues } from '../../core/model/values-json.js';
import type { LastValue } from '../../core/ports/storage.js';
import type { SafeFiles } from '../../storage/file/journal/safe-files.js';
import { bootIdOf } from '../../storage/file/ownership/process-identity.js';
import { quietly } from '../../storage/shared/quietly.js';
import type { FolderJournal } from './folder-journal.js';
import { SmallFile } from './small-file.js';

/** `at` is the time since boot, in seconds: it is monotonic, and the same for all processes. */
type KeptValue = Omit<LastValue, 'secondsAgo'> & { readonly at: number };

interface LastValuesRecord extends Destination {
  readonly version: 1;
  /** `at` means nothing after another boot. */
  readonly boot: string;
  /** The commit that the file was written after: behind another commit it is out of date. */
  readonly after: string;
  readonly values: readonly KeptValue[];
  /** How many values calls have left out. */
  readonly suppressed: number;
}

/**
 * The last committed values of the fields with a dead band, which the next call goes on from. Where the file may be out of date,
 * the next value is committed: a kill between a commit and this file leaves out no change. Its users hold the folder's lock.
 */
export class LastValues {
  readonly #files: SafeFiles;
  readonly #file: SmallFile;
  readonly #journal: FolderJournal;

  constructor(files: SafeFiles, journal: FolderJournal) {
    this.#files = files;
    this.#file = new SmallFile(files, 'last-values.json');
    this.#journal = journal;
  }

  read(destination: Destination): LastValue[] {
    const now = uptime();
    const values = this.#recordOf(destination)?.values ?? [];
    return values.map(({ fieldId, value, at }) => ({ fieldId, value, secondsAgo: now - at }));
  }

  suppressed(deviceId: string): number {
    const record = this.#settled();
    return record?.deviceId === deviceId.toLowerCase() ? record.suppressed : 0;
  }

  /**
   * Reads the file, for a commit that makes it out of date.
   *
   * @returns Writes it, once the entry is committed. A failure is harmless.
   */
  beforeCommit(destination: Destination, isBanded: (fieldId: string) => boolean): (entry: StoredEntry) => void {
    const record = this.#recordOf(destination);
    return (entry) => {
      const committed = (decodeValues(entry.values) ?? []).filter(({ fieldId }) => isBanded(fieldId));
      const ids = new Set(committed.map(({ fieldId }) => fieldId));
      const others = record?.values.filter(({ fieldId }) => !ids.has(fieldId)) ?? [];
      const at = uptime();
      this.#write(destination, {
        after: entryId(entry),
        values: [...others, ...committed.map((value) => ({ ...value, at }))],
        suppressed: record?.suppressed ?? 0,
      });
    };
  }

  /** Values were left out. */
  addSuppressed(count: number): void {
    const record = this.#settled();
    if (record !== undefined) this.#write(record, { ...record, suppressed: record.suppressed + count });
  }

  /** The server may never learn of the values of some fields: their next ones are committed. */
  removeFields(fieldIds: ReadonlySet<string>): void {
    const record = this.#settled();
    if (record === undefined) return;
    this.#write(record, { ...record, values: record.values.filter(({ fieldId }) => !fieldIds.has(fieldId)) });
  }

  /** Removes the file if it is out of date, before anything is written behind the commit that shows so. */
  settle(): void {
    this.#settled();
  }

  remove(): void {
    this.#file.remove();
  }

  #recordOf(destination: Destination): LastValuesRecord | undefined {
    const record = this.#settled();
    return record !== undefined && sameDestination(record, destination) && record.boot === this.#boot
      ? record
      : undefined;
  }

  #settled(): LastValuesRecord | undefined {
    const record = this.#file.read() as Partial<LastValuesRecord> | null | undefined;
    if (record?.version !== 1 || !Array.isArray(record.values)) return undefined;
    if (typeof record.after === 'string' && this.#journal.isAt(record.after)) return record as LastValuesRecord;
    this.#file.remove();
    return undefined;
  }

  #write(
    { deviceId, baseUrl }: Destination,
    { after, values, suppressed }: Pick<LastValuesRecord, 'after' | 'values' | 'suppressed'>,
  ): void {
    const boot = this.#boot;
    const record: LastValuesRecord = { version: 1, deviceId, baseUrl, boot, after, values, suppressed };
    try {
      this.#file.write(record);
    } catch {
      // Without it, the next values are committed.
      quietly(() => this.#file.remove());
    }
  }

  get #boot(): string {
    return quietly(() => bootIdOf(this.#files)) ?? '';
  }
}
