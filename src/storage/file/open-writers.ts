import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { type Destination, destinationKey } from '../../core/model/destination.js';
import type { StorageException } from '../../core/model/exceptions.js';
import { nextRun } from '../shared/run-number.js';
import type { WriterLog } from './journal/contents.js';
import { writeWhole } from './journal/file-io.js';
import type { SafeFiles } from './journal/file-system.js';
import type { Journal } from './journal/journal.js';
import { type Orphans, removeStaged } from './ownership/orphans.js';

/** What a store knows of a writer that is open. */
export interface OpenWriter {
  id: string;
  readonly destination: Destination;
  /** Whether the journal holds staged values of it. */
  hasStaged: boolean;
  /** Whether a file of its was deleted or cut: told at the next check. */
  isCleared: boolean;
  /** Why some of what it saved stands in no file: as long as that is so, nothing newer is saved. */
  unsaved: StorageException | undefined;
  /** What others took of it: told at the next check. */
  fenced: { readonly writers: ReadonlySet<string>; readonly isStagedFenced: boolean } | undefined;
}

/** The writers that are open in one store, by id. */
export class OpenWriters {
  readonly #byId = new Map<string, OpenWriter>();
  /** How many each destination has. */
  readonly #served = new Map<string, number>();

  get size(): number {
    return this.#byId.size;
  }

  [Symbol.iterator](): Iterator<OpenWriter> {
    return this.#byId.values();
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** Whether one has the destination of this key. */
  isServed(key: string): boolean {
    return (this.#served.get(key) ?? 0) > 0;
  }

  add(id: string, destination: Destination): OpenWriter {
    const openWriter: OpenWriter = {
      id,
      destination,
      hasStaged: false,
      isCleared: false,
      unsaved: undefined,
      fenced: undefined,
    };
    this.#byId.set(id, openWriter);
    this.#count(destination, 1);
    return openWriter;
  }

  remove({ id, destination }: OpenWriter): void {
    if (this.#byId.delete(id)) this.#count(destination, -1);
  }

  /** Gives a writer a new id, under which nothing is saved yet. */
  renew(openWriter: OpenWriter, id: string): void {
    this.#byId.delete(openWriter.id);
    openWriter.id = id;
    openWriter.hasStaged = false;
    this.#byId.set(id, openWriter);
  }

  #count(destination: Destination, change: 1 | -1): void {
    const key = destinationKey(destination);
    this.#served.set(key, (this.#served.get(key) ?? 0) + change);
  }
}

/** A journal that another process has taken over. */
interface TakenJournal {
  readonly journal: Journal;
  /** The writers of which it held something. */
  readonly held: ReadonlySet<string>;
  /** Its present contents. */
  readonly logs: ReadonlyMap<string, WriterLog>;
}

/** Notes for a writer what another process has of it. @returns Whether that has entries under the writer's own id. */
export function fence(openWriter: OpenWriter, { journal, held, logs }: TakenJournal, orphans: Orphans): boolean {
  const { id, destination, fenced } = openWriter;
  const writers = new Set(orphans.adoptedBy(id, journal));
  const isOwn = held.has(id);
  if (isOwn) writers.add(id);
  if (writers.size === 0) return false;
  const staged = logs.get(id)?.staged;
  // They are staged here still, and must not come back elsewhere; where they can't be forgotten, they will.
  const isForgotten = staged !== undefined && removeStaged(journal, id, destination, staged.run);
  openWriter.fenced = {
    writers: new Set([...(fenced?.writers ?? []), ...writers]),
    isStagedFenced: (fenced?.isStagedFenced ?? false) || (isOwn && openWriter.hasStaged && !isForgotten),
  };
  return isOwn;
}

/** More than a number of a run has digits. */
const MAX_BYTES = 32;

/** Counts the runs that staged something in a folder: which was the most recent is not left to clocks. */
export function nextRunIn(files: SafeFiles, isSynced: boolean): number {
  const { io, folder } = files;
  files.makeFolder(isSynced);
  const fd = files.openOrCreate(join(folder, 'nikdev-iot-1.runs'), false);
  try {
    const bytes = Buffer.alloc(MAX_BYTES);
    const run = nextRun(bytes.toString('latin1', 0, io.readSync(fd, bytes, 0, MAX_BYTES, 0)));
    io.ftruncateSync(fd, 0);
    writeWhole(io, fd, Buffer.from(String(run)));
    return run;
  } finally {
    io.closeSync(fd);
  }
}
