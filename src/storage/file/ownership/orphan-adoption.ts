import { type Destination, destinationKey } from '../../../core/model/destination.js';
import type { Warning } from '../../../core/model/events.js';
import { entriesWaiting } from '../../../core/notify/warnings.js';
import type { AdoptOptions } from '../../../core/ports/storage.js';
import type { Clock } from '../../../core/time/clock.js';
import { type Contents, readContents, type WriterLog } from '../../shared/journal/contents.js';
import type { JournalContents } from '../../shared/journal/record-log.js';
import { quietly } from '../../shared/quietly.js';
import { codeOf, useAndClose } from '../journal/file-io.js';
import { Journal } from '../journal/journal.js';
import { journalName, rewritingPath } from '../journal/journal-name.js';
import { linesOf } from '../journal/lines.js';
import type { StoreState } from './open-journals.js';
import { type OrphanFile, OrphanFinder } from './orphan-finder.js';
import { removeStaged } from './orphans.js';

/** Limits the open descriptors: each adopted file stays open. */
const MAX_JOURNALS = 200;

/** A summary of an orphan file, valid until the file changes. */
interface OrphanSummary {
  /** The destinations with entries, and those with staged values, by key. */
  readonly entries: ReadonlyMap<string, Destination>;
  readonly staged: ReadonlyMap<string, Destination>;
  readonly warnings: readonly Warning[];
  /** The number of earlier scans that found the file unchanged. */
  readonly scans: number;
  /** Only in the first scan. */
  readonly contents: Contents | undefined;
}

/** Adopts the files of dead stores that have entries for the open writers. */
export class OrphanAdoption {
  readonly #state: StoreState;
  readonly #finder: OrphanFinder;
  /** By the signature of the file. */
  #summaries = new Map<string, OrphanSummary>();
  /** Files whose journals were renewed, and which may still exist. */
  readonly #abandoned = new Set<string>();

  constructor(state: StoreState) {
    this.#state = state;
    this.#finder = new OrphanFinder(state);
  }

  /** Scans once. @returns Warnings about entries for other destinations, and about files that can't be read. */
  scan(clock: Clock, options: AdoptOptions & Pick<Destination, 'deviceId'>): Warning[] {
    const { files, journals } = this.#state;
    let found: OrphanFile[];
    try {
      found = this.#finder.find(clock);
    } catch (error) {
      return failure(files.folder.path, error);
    }
    const before = this.#summaries;
    this.#summaries = new Map();
    const warnings: Warning[] = files.warnings();
    const capacity = MAX_JOURNALS - journals.size;
    let adopted = 0;
    for (const orphan of found) {
      if (adopted >= capacity) break;
      // If two owners had a file of this name, its adoption would replace the file just adopted.
      if (journals.hasFile(orphan.file)) continue;
      try {
        const summary = before.get(orphan.signature) ?? this.#summarize(orphan);
        warnings.push(...summary.warnings);
        if (this.#isWanted(summary, options)) {
          this.#adopt(orphan, summary, clock);
          adopted += 1;
        } else {
          this.#summaries.set(orphan.signature, { ...summary, contents: undefined, scans: summary.scans + 1 });
        }
        warnings.push(...this.#entriesWaiting(summary, options));
      } catch (error) {
        // Another process adopted the file first, or it can't be read now: the next scan tries again.
        warnings.push(...failure(orphan.path, error));
      }
    }
    return warnings;
  }

  /** The journal of a file was renewed. The file is adopted if it can be read again. */
  abandon(file: string): void {
    this.#abandoned.add(file);
  }

  /** Leaves abandoned files without an owner. If that fails, other processes adopt them once this one has ended. */
  releaseAbandoned(): void {
    const { files, identity } = this.#state;
    for (const file of this.#abandoned) {
      const pathOf = (owner: string | undefined): string => files.folder.pathOf(journalName({ owner, file }));
      quietly(() => files.rename(pathOf(identity.owner), pathOf(undefined)));
    }
    this.#abandoned.clear();
  }

  #summarize({ path }: OrphanFile): OrphanSummary {
    const { files } = this.#state;
    const contents = useAndClose(files.io, files.open(path, 'read'), (fd) => readContents(linesOf(files.io, fd)));
    const entries = new Map<string, Destination>();
    const staged = new Map<string, Destination>();
    for (const log of contents.logs.values()) {
      if (log.destination && log.sequences.size > 0) entries.set(destinationKey(log.destination), log.destination);
      if (log.destination && log.staged) staged.set(destinationKey(log.destination), log.destination);
    }
    return { entries, staged, warnings: damages(path, contents), scans: 0, contents };
  }

  #adopt(orphan: OrphanFile, { contents }: OrphanSummary, clock: Clock): void {
    const { files, identity } = this.#state;
    const name = { owner: identity.owner, file: orphan.file };
    const path = files.folder.pathOf(journalName(name));
    // Deleted first, as later scans would not find it. If the owner lives after all, its rewrite fails harmlessly.
    files.unlinkQuietly(rewritingPath(orphan.path));
    // Atomic: of several processes, one succeeds.
    files.rename(orphan.path, path);
    const journal = new Journal(files, name, { isNew: false });
    try {
      // Unchanged since it was summarized: no other process writes to the file.
      if (files.inspect(path)?.signature !== orphan.signature) throw new Error('its owner lives');
      this.#accept(
        journal,
        journal.read((log) => this.#isSelected(orphan.file, log), contents),
        clock,
      );
    } catch (error) {
      journal.close();
      files.rename(path, orphan.path);
      throw error;
    }
  }

  /** Whether the entries of a writer are needed: those of an abandoned file may be in memory already. */
  #isSelected(file: string, { destination, writer }: WriterLog): boolean {
    const { orphans, writers } = this.#state;
    const isHeld = this.#abandoned.has(file) && (writers.has(writer) || orphans.isAdopted(writer));
    return destination !== undefined && !isHeld;
  }

  #accept(journal: Journal, contents: JournalContents, clock: Clock): void {
    const { journals, orphans, writers } = this.#state;
    if (this.#abandoned.delete(journal.file)) this.#reclaim(journal, contents);
    orphans.add(journal, contents, writers);
    journals.add(journal, clock.monotonic());
  }

  /** An abandoned file can be read again: open writers and adopters have the entries in memory. */
  #reclaim(journal: Journal, contents: Contents): void {
    this.#state.orphans.shareAdoptions(journal, contents);
    for (const log of contents.logs.values()) if (this.#state.writers.has(log.writer)) removeStaged(journal, log);
  }

  /** Whether a file has records for the open writers, or is empty and can be deleted. */
  #isWanted({ entries, staged, warnings }: OrphanSummary, options: AdoptOptions): boolean {
    const isServed = (key: string): boolean => this.#state.writers.isServed(key);
    if ([...entries.keys()].some(isServed) || (options.isFirst && [...staged.keys()].some(isServed))) return true;
    return entries.size === 0 && staged.size === 0 && warnings.length === 0;
  }

  /** Of other devices not in the first scan: the application may open an Api for that destination next. */
  #entriesWaiting({ entries, scans }: OrphanSummary, own: Pick<Destination, 'deviceId'>): Warning[] {
    const { files, writers } = this.#state;
    const isDue = ({ deviceId }: Destination): boolean => scans > 0 || deviceId === own.deviceId;
    const foreign = [...entries].filter(([key, destination]) => !writers.isServed(key) && isDue(destination));
    return foreign.map(([, destination]) => entriesWaiting(destination, files.folder.path));
  }
}

function damages(path: string, { unreadable, logs }: Contents): Warning[] {
  const warnings: Warning[] = [];
  const warn = (message: string): void =>
    void warnings.push({ code: 'unreadable-records', message: `${path} ${message}` });
  if (unreadable > 0)
    warn(
      `has ${unreadable} lines that can't be read: they are damaged, or of a newer version. They are kept, and all other records are adopted.`,
    );
  const unaddressed = [...logs.values()].filter(({ destination }) => destination === undefined);
  const entries = unaddressed.map(({ sequences }) => sequences.size).reduce((sum, size) => sum + size, 0);
  if (entries > 0 || unaddressed.some(({ staged }) => staged))
    warn(
      `has ${entries} entries of unknown device and server: the record of both is damaged, or another program truncated the file, as logrotate does. They are kept, but can't be adopted; earlier entries may be lost.`,
    );
  return warnings;
}

/** @returns Nothing if another process adopted the file first. */
function failure(path: string, error: unknown): Warning[] {
  const code = codeOf(error);
  if (code === undefined || code === 'ENOENT') return [];
  const message = `${path} could not be adopted (${code}). The entries in it wait, and adoption is tried again.`;
  return [{ code: 'storage-failed', message }];
}
