import { Buffer } from 'node:buffer';
import type { Destination } from '../../core/model/destination.js';
import type { StoredEntry } from '../../core/model/entry.js';
import { type Adoption, type AdoptOptions, RECOVERY_INTERVAL_SECONDS, type Writer } from '../../core/ports/storage.js';
import type { Clock } from '../../core/time/clock.js';
import { nextRun } from '../shared/run-number.js';
import { useAndClose, writeWhole } from './journal/file-io.js';
import { type SafeFiles, UNSYNCED } from './journal/safe-files.js';
import { Evacuation } from './ownership/evacuation.js';
import { Heartbeat } from './ownership/heartbeat.js';
import { JournalReconciler } from './ownership/journal-reconciler.js';
import { OpenJournals, type StoreState } from './ownership/open-journals.js';
import { type OpenWriter, OpenWriters } from './ownership/open-writers.js';
import { OrphanAdoption } from './ownership/orphan-adoption.js';
import { Orphans } from './ownership/orphans.js';
import { newId, type Processes, ProcessIdentity } from './ownership/process-identity.js';
import { FileWriter } from './writer.js';

/** The file that counts runs has at most so many bytes: more than a run number has digits. */
const MAX_COUNTER_BYTES = 32;

/** A store in its folder: it owns a journal for its own writers, and journals adopted from dead stores. */
export class JournalDirectory {
  readonly reconciler: JournalReconciler;
  /** Beats while a writer is open. */
  readonly heartbeat: Heartbeat;
  readonly #state: StoreState;
  readonly #adoption: OrphanAdoption;
  readonly #evacuation: Evacuation;

  constructor(files: SafeFiles, processes: Processes) {
    const state = {
      files,
      identity: new ProcessIdentity(files, processes),
      writers: new OpenWriters(),
      orphans: new Orphans(),
    };
    this.#state = { ...state, journals: new OpenJournals(state) };
    this.#adoption = new OrphanAdoption(this.#state);
    this.reconciler = new JournalReconciler(this.#state, this.#adoption);
    this.#evacuation = new Evacuation(this.#state, this.reconciler);
    this.heartbeat = new Heartbeat(this.reconciler);
  }

  open(destination: Destination, clock: Clock): Writer {
    const { identity, writers } = this.#state;
    if (writers.size === 0) {
      identity.open(clock);
      this.heartbeat.start(clock);
    }
    const writer = new FileWriter(this, { id: newId(clock), destination }, clock);
    writers.add(writer);
    return writer;
  }

  /** The number of the next run that stages values, from a file of the folder: clocks can't order runs. */
  nextRun(): number {
    const { files } = this.#state;
    files.folder.make();
    const fd = files.openOrCreate(files.folder.pathOf('nikdev-iot-1.runs'), UNSYNCED);
    return useAndClose(files.io, fd, () => {
      const bytes = Buffer.alloc(MAX_COUNTER_BYTES);
      const run = nextRun(bytes.toString('latin1', 0, files.io.readSync(fd, bytes, 0, MAX_COUNTER_BYTES, 0)));
      files.io.ftruncateSync(fd, 0);
      writeWhole(files.io, fd, Buffer.from(String(run)));
      return run;
    });
  }

  remove(entries: readonly StoredEntry[]): void {
    const { journals } = this.#state;
    journals.writeAll((journal) => journal.remove(entries));
    if (journals.size > 1 || journals.own === undefined) journals.releaseUnused();
  }

  quarantine(entries: readonly StoredEntry[]): void {
    this.#state.journals.writeAll((journal) => journal.quarantine(entries));
  }

  adopt(writer: OpenWriter, options: AdoptOptions, clock: Clock): Adoption {
    const { journals, orphans, writers } = this.#state;
    // Entries that another process adopted while this one was stopped must not be adopted here.
    this.heartbeat.check(clock);
    // Reading a truncated journal would hide the loss.
    this.reconciler.restoreTruncated(clock);
    orphans.refresh(journals, writers);
    const warnings = this.#adoption.scan(clock, { ...options, deviceId: writer.destination.deviceId });
    const { entries, staged } = orphans.adopt(writer, options);
    journals.releaseUnused();
    this.#evacuation.run(clock);
    return { entries, staged, warnings, lookAgainSeconds: RECOVERY_INTERVAL_SECONDS };
  }

  close(writer: OpenWriter, clock: Clock): void {
    const { identity, journals, orphans, writers } = this.#state;
    // The last chance to save entries again whose file was deleted since the last heartbeat.
    if (writers.size === 1) this.heartbeat.beat(clock);
    // After the heartbeat, which gives a fenced writer a new id.
    writers.remove(writer);
    orphans.release(writer.id);
    if (writers.size > 0) {
      orphans.invalidate();
      journals.releaseUnused();
      this.#evacuation.schedule(clock);
      return;
    }
    this.heartbeat.stop();
    identity.close();
    this.#evacuation.cancel();
    orphans.removeAll();
    for (const journal of journals) journals.release(journal);
    this.#adoption.releaseAbandoned();
  }
}
