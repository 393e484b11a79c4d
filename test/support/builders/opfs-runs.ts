import type { StoredEntry } from '../../../src/core/model/entry.js';
import type { Adoption, Writer } from '../../../src/core/ports/storage.js';
import { type OpfsStorageOptions, opfsStorage } from '../../../src/opfs.js';
import { FakeClock } from '../fakes/fake-clock.js';
import type { FakeOpfs, FakeWorker } from '../fakes/fake-opfs.js';
import { destination } from './stored-entry.js';

/** A worker with a writer, which has adopted what it found. */
export interface OpfsRun {
  readonly worker: FakeWorker;
  readonly writer: Writer;
  readonly adoption: Adoption;
}

/** Starts a worker with one writer. */
export async function startRun(disk: FakeOpfs, options: OpfsStorageOptions = {}): Promise<OpfsRun> {
  const worker = disk.startWorker();
  const writer = (await opfsStorage('x', options, worker.manager)).open(destination, new FakeClock());
  return { worker, writer, adoption: await writer.adopt({ isFirst: true }) };
}

/** The sequence numbers of entries. */
export const sequencesOf = (entries: readonly StoredEntry[]): number[] => entries.map(({ sequence }) => sequence);

/** The entries and staged values that the next worker finds. */
export const leftOn = async (disk: FakeOpfs): Promise<Adoption> => (await startRun(disk)).adoption;
