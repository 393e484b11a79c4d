import type { Destination } from '../../src/core/model/destination.js';
import type { Adoption, AdoptOptions, Writer } from '../../src/core/ports/storage.js';
import { destination, entryOf } from '../support/builders/stored-entry.js';

/** One storage, as the runs of any number of programs see it. */
export interface StorageUnderTest {
  /** Opens a writer in a run of its own: a tab, a process, an `Api`. */
  open(destination: Destination): Writer | Promise<Writer>;
  /** Ends the writer's run as its platform would end it at worst; what it saved stays. */
  crash(writer: Writer): Promise<void> | void;
  /** Calls `adopt` and lets as much time pass as it needs. */
  adopt(writer: Writer, options: AdoptOptions): Promise<Adoption>;
}

/** Makes an empty storage. */
export type MakeStorage = () => StorageUnderTest;

/** A writer that saved entries 1 to `count` and whose run has ended. */
export async function deadWriter(storage: StorageUnderTest, count: number, of = destination): Promise<Writer> {
  const writer = await storage.open(of);
  for (let sequence = 1; sequence <= count; sequence++) writer.save(entryOf(writer, sequence), { clearsStaged: false });
  await storage.crash(writer);
  return writer;
}
