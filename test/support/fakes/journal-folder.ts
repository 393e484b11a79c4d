import * as fs from 'node:fs';
import { join } from 'node:path';
import type { StoredEntry } from '../../../src/core/model/entry.js';
import type { Adoption, Writer } from '../../../src/core/ports/storage.js';
import { fileStorage } from '../../../src/node.js';
import type { FilePlatform, FileSystem } from '../../../src/storage/file/journal/file-system.js';
import { destination, entryOf } from '../builders/stored-entry.js';
import { temporaryFolder } from '../disks/temporary-folder.js';
import { FakeClock } from './fake-clock.js';
import { FakeMachine } from './fake-machine.js';

/** A folder of journals, the machine whose processes use it, and a clock. */
export function journalFolder() {
  const folder = temporaryFolder();
  const machine = new FakeMachine();
  const clock = new FakeClock();
  const open = (platform: FilePlatform = machine.start(), options = {}): Writer =>
    fileStorage(folder, options, platform).open(destination, clock);
  const journals = (): string[] => fs.readdirSync(folder).filter((name) => name.endsWith('.journal'));
  const journal = (): string => join(folder, journals()[0] ?? '');
  return { folder, machine, clock, open, journals, journal };
}

export type JournalFolder = ReturnType<typeof journalFolder>;

/** Leaves the journal of a dead process: entries with and without staged values before them, some of them removed. */
export function leaveJournal({ machine, open }: JournalFolder): { writer: Writer; left: StoredEntry[] } {
  const process = machine.start();
  const writer = open(process);
  for (let sequence = 1; sequence <= 6; sequence++)
    writer.save(entryOf(writer, sequence, `ü${sequence}`), { clearsStaged: false });
  writer.remove([entryOf(writer, 2), entryOf(writer, 3), entryOf(writer, 5)]);
  writer.save(entryOf(writer, 7), { clearsStaged: true });
  process.kill();
  return {
    writer,
    left: [1, 4, 6].map((sequence) => entryOf(writer, sequence, `ü${sequence}`)).concat(entryOf(writer, 7)),
  };
}

export const adoptAtStart = (writer: Writer): Promise<Adoption> => writer.adopt({ isFirst: true });

/** Looks for orphans every 30 s, as an `Api` does, until entries are adopted or 4 minutes have passed. */
export async function adoptWhenSilent(writer: Writer, clock: FakeClock): Promise<readonly StoredEntry[]> {
  for (let look = 0; look < 8; look++) {
    const { entries } = await writer.adopt({ isFirst: look === 0 });
    if (entries.length > 0) return entries;
    await clock.advance(30_000);
  }
  return [];
}

/** Starts a process with a file system whose functions a test replaces by members of `broken`. */
export function failingProcess(machine: FakeMachine) {
  const process = machine.start();
  const broken: Partial<FileSystem> = {};
  const proxied = new Proxy(process.fs, { get: (real, name) => Reflect.get(broken, name) ?? Reflect.get(real, name) });
  return { broken, platform: { ...process, fs: proxied }, kill: () => process.kill() };
}

/** An error of the file system. */
export const fileError = (code: string): Error => Object.assign(new Error(code), { code });

/** A function of the file system that fails. */
export const failWith = (code: string) => () => {
  throw fileError(code);
};

/** A file system that counts the calls of one of its members. */
export function countingCalls(fileSystem: FileSystem, counted: keyof FileSystem) {
  let calls = 0;
  const counting = new Proxy(fileSystem, {
    get: (real, name) => {
      if (name === counted) calls += 1;
      return Reflect.get(real, name);
    },
  });
  return { counting, count: () => calls };
}
