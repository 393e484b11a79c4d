import { join } from 'node:path';
import { type Destination, destinationKey } from '../../../core/model/destination.js';
import type { Warning } from '../../../core/model/events.js';
import { entriesWaiting } from '../../../core/notify/warnings.js';
import type { AdoptOptions } from '../../../core/ports/storage.js';
import type { Clock } from '../../../core/time/clock.js';
import { type Contents, readContents, type WriterLog } from '../journal/contents.js';
import { codeOf } from '../journal/file-io.js';
import type { SafeFiles } from '../journal/file-system.js';
import { Journal, type JournalContents } from '../journal/journal.js';
import { journalName, rewritingPath } from '../journal/journal-name.js';
import { linesOf } from '../journal/lines.js';
import { type OrphanFile, OrphanFinder } from './orphan-finder.js';
import type { ProcessIdentity } from './process-identity.js';

/** What was found in a file of the dead, so that it need not be read again while it doesn't change. */
interface OrphanSummary {
  /** By key: the destinations of which there are entries, and those of which there are staged values. */
  readonly entries: ReadonlyMap<string, Destination>;
  readonly staged: ReadonlyMap<string, Destination>;
  readonly warnings: readonly Warning[];
  readonly scans: number;
  /** Only at the first look. */
  readonly contents: Contents | undefined;
}

/** The store that adopts. */
interface AdoptionHost {
  /** As it stands in names. */
  readonly owner: string;
  /** Whether a file is one of the store's own. */
  isOwn(file: string): boolean;
  /** Whether a living writer of the store has the destination of this key. */
  isServed(key: string): boolean;
  /** Whether the entries of a writer in a file are to be read, or are in memory already. */
  isWanted(file: string, log: WriterLog): boolean;
  /** Takes in a journal, and what it holds. Throws if it can't. */
  accept(journal: Journal, contents: JournalContents): void;
}

/** Takes over the files that dead runs left in a folder, where they hold anything for the living. */
export class OrphanAdoption {
  readonly #files: SafeFiles;
  readonly #isSynced: boolean;
  readonly #finder: OrphanFinder;
  /** By the signature of the file. */
  #summaries = new Map<string, OrphanSummary>();

  constructor(files: SafeFiles, process: ProcessIdentity, isSynced: boolean) {
    this.#files = files;
    this.#isSynced = isSynced;
    this.#finder = new OrphanFinder(files, process);
  }

  /**
   * Looks once.
   *
   * @param most - How many files may be taken.
   * @returns What waits here for others, and what can't be read.
   */
  scan(clock: Clock, options: AdoptOptions, most: number, host: AdoptionHost): Warning[] {
    let found: OrphanFile[];
    try {
      found = this.#finder.find(clock, host.owner, (file) => host.isOwn(file));
    } catch (error) {
      return failure(this.#files.folder, error);
    }
    const before = this.#summaries;
    this.#summaries = new Map();
    const warnings: Warning[] = this.#files.warnings();
    let taken = 0;
    for (const dead of found) {
      if (taken >= most) break;
      // Two owners may have had a file of the same name: its adoption would replace the one just adopted.
      if (host.isOwn(dead.file)) continue;
      try {
        const summary = before.get(dead.signature) ?? this.#summarize(dead);
        warnings.push(...summary.warnings);
        if (isWanted(summary, options, host)) {
          this.#adopt(dead, summary, host);
          taken += 1;
        } else {
          this.#summaries.set(dead.signature, { ...summary, contents: undefined, scans: summary.scans + 1 });
        }
        // Not at the first look: an Api for them may be opened next.
        if (summary.scans > 0) warnings.push(...this.#waiting(summary, host));
      } catch (error) {
        // Another was faster, or it can't be read now; it is looked at again.
        warnings.push(...failure(dead.path, error));
      }
    }
    return warnings;
  }

  /** Whether a file stands in the folder under another owner. */
  isElsewhere(file: string, owner: string): boolean {
    return this.#finder.isElsewhere(file, owner);
  }

  /** Leaves files to nobody, where they are there. */
  releaseFiles(files: Iterable<string>, owner: string): void {
    for (const file of files) {
      const pathOf = (of: string | undefined): string => join(this.#files.folder, journalName(of, file));
      try {
        this.#files.rename(pathOf(owner), pathOf(undefined));
      } catch {
        // It is not there, or not now: others adopt it once this process has ended.
      }
    }
  }

  #summarize({ path }: OrphanFile): OrphanSummary {
    const contents = this.#readContents(path);
    const entries = new Map<string, Destination>();
    const staged = new Map<string, Destination>();
    for (const log of contents.logs.values()) {
      if (log.destination && log.sequences.size > 0) entries.set(destinationKey(log.destination), log.destination);
      if (log.destination && log.staged) staged.set(destinationKey(log.destination), log.destination);
    }
    const { unreadable } = contents;
    const message = `${path} holds records that can't be read (${unreadable} lines), as they are damaged or of a newer version. They are kept, and the others are pushed.`;
    const warnings: Warning[] = unreadable > 0 ? [{ code: 'unreadable-records', message }] : [];
    return { entries, staged, warnings, scans: 0, contents };
  }

  #readContents(path: string): Contents {
    const { io } = this.#files;
    const fd = this.#files.open(path, 'read');
    try {
      return readContents(linesOf(io, fd));
    } finally {
      io.closeSync(fd);
    }
  }

  #adopt(dead: OrphanFile, { contents }: OrphanSummary, host: AdoptionHost): void {
    const path = join(this.#files.folder, journalName(host.owner, dead.file));
    // Before the journal: without it nobody would find it. If its owner lives after all, its rewriting fails, harmlessly.
    this.#files.unlinkQuietly(rewritingPath(dead.path));
    // Of several that try, one succeeds: the others find the old name gone.
    this.#files.rename(dead.path, path);
    const journal = new Journal(this.#files, path, dead.file, false, this.#isSynced);
    try {
      // Nobody else writes to it by now, and nobody has since it was looked into.
      if (this.#finder.signatureOf(path) !== dead.signature) throw new Error('its owner lives');
      host.accept(
        journal,
        journal.read((log) => log.destination !== undefined && host.isWanted(dead.file, log), contents),
      );
    } catch (error) {
      journal.close();
      this.#files.rename(path, dead.path);
      throw error;
    }
  }

  #waiting({ entries }: OrphanSummary, host: AdoptionHost): Warning[] {
    const others = [...entries].filter(([key]) => !host.isServed(key));
    return others.map(([, destination]) => entriesWaiting(destination, this.#files.folder));
  }
}

/** Why what the dead left can't be taken over now; nothing where another was faster. */
function failure(path: string, error: unknown): Warning[] {
  const code = codeOf(error);
  if (code === undefined || code === 'ENOENT') return [];
  const message = `${path} could not be taken over (${code}). What earlier runs left there waits, and is tried again.`;
  return [{ code: 'storage-failed', message }];
}

/** Whether a file holds anything for the living here, or nothing for anybody: then it is cleared away. */
function isWanted({ entries, staged, warnings }: OrphanSummary, options: AdoptOptions, host: AdoptionHost): boolean {
  const isForUs = (destinations: ReadonlyMap<string, Destination>): boolean =>
    [...destinations.keys()].some((key) => host.isServed(key));
  if (isForUs(entries) || (options.isFirst && isForUs(staged))) return true;
  return entries.size === 0 && staged.size === 0 && warnings.length === 0;
}
