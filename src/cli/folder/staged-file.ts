import { type Destination, sameDestination } from '../../core/model/destination.js';
import { entryId } from '../../core/model/entry.js';
import type { Value } from '../../core/model/value.js';
import { decodeValues, encodeValues } from '../../core/model/values-json.js';
import type { SafeFiles } from '../../storage/file/journal/safe-files.js';
import type { FolderJournal } from './folder-journal.js';
import { SmallFile } from './small-file.js';

/** The values that are staged in a folder, as the file has them. */
interface StagedRecord extends Destination {
  readonly version: 1;
  /** The last commit before they were staged: a later one was made of them. Empty if the journal ended otherwise. */
  readonly after: string;
  /** Their wire text. */
  readonly values: string;
}

/** The staged values of a folder. A commit is one append to the journal: a file that a crash left behind it is ignored. */
export class StagedFile {
  readonly #file: SmallFile;
  readonly #journal: FolderJournal;

  constructor(files: SafeFiles, journal: FolderJournal) {
    this.#file = new SmallFile(files, 'staged.json');
    this.#journal = journal;
  }

  read(destination: Destination): Value[] {
    const record = this.#settled();
    if (record === undefined || !sameDestination(record, destination)) return [];
    return decodeValues(record.values) ?? [];
  }

  write(values: readonly Value[], { deviceId, baseUrl }: Destination): void {
    const record: StagedRecord = { version: 1, deviceId, baseUrl, after: this.#tail, values: encodeValues(values) };
    this.#file.write(record);
  }

  remove(): void {
    this.#file.remove();
  }

  /** Removes values that were committed, before anything is written behind the commit. */
  settle(): void {
    this.#settled();
  }

  #settled(): StagedRecord | undefined {
    const record = this.#file.read() as Partial<StagedRecord> | undefined;
    if (record === undefined || record === null || record.version !== 1 || typeof record.values !== 'string')
      return undefined;
    const tail = this.#tail;
    if (tail === '' || tail === record.after) return record as StagedRecord;
    this.#file.remove();
    return undefined;
  }

  get #tail(): string {
    const tail = this.#journal.tail();
    return tail === undefined ? '' : entryId(tail);
  }
}
