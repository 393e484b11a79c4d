import { quietly } from '../shared/quietly.js';
import { idFrom } from '../shared/random-id.js';
import type { AccessHandle, AccessibleFolder } from './access-handles.js';
import { JournalPair } from './journal-pair.js';
import { nameOf } from './opfs-errors.js';

declare const crypto: { getRandomValues(words: Uint32Array<ArrayBuffer>): Uint32Array };

/*
 * The folder nikdev-iot/<name> has a pair of files for each worker that lives or has left records:
 *
 *   <run>-<random>.a, <run>-<random>.b
 *
 * A worker has both open as long as it lives. Their exclusive lock, which the browser releases when the worker ends, is the proof
 * of life: a file that can be opened belongs to a dead worker, and whoever has opened it is its owner. <run> orders the workers: it
 * is higher than that of every pair in the folder when the worker began.
 *
 * Where a worker was killed as it created or deleted a pair, one of the two files is left: opening the pair creates the other. That
 * can take the lock of a file which a starting worker has just created; such a worker tries again under another name.
 */
const NAME = /^(\d{1,9}-[\da-z]{16})\.[ab]$/;
const ATTEMPTS = 3;

const ENDS = ['.a', '.b'];

/** Errors of a file that another worker has open, or has just deleted. */
const BUSY = new Set(['NoModificationAllowedError', 'InvalidStateError', 'NotFoundError']);

/** Whether an error of {@link OpfsFolder.open} reports a file of a living worker, or of a worker that has just ended. */
export const isBusy = (name: string): boolean => BUSY.has(name);

/** The name of the error where files can't be opened synchronously: in all programs but dedicated workers. */
export const NO_HANDLES = 'NoAccessHandles';

/** A pair of files that this worker has open. */
export interface OpenPair {
  /** The name of the files, without their ends. */
  readonly id: string;
  readonly run: number;
  readonly pair: JournalPair;
}

/** The origin private file system. */
export interface OriginFiles {
  getDirectory(): Promise<AccessibleFolder>;
}

/** The folder of a storage. No method is called while `commit()` waits. */
export class OpfsFolder {
  readonly path: string;
  readonly #name: string;
  readonly #manager: OriginFiles;
  readonly #options: { readonly isSynced: boolean };

  constructor(manager: OriginFiles, name: string, options: { readonly isSynced: boolean }) {
    this.#manager = manager;
    this.#name = name;
    this.#options = options;
    this.path = `nikdev-iot/${name}`;
  }

  /** The ids of all pairs. */
  async list(): Promise<Set<string>> {
    const ids = new Set<string>();
    for await (const name of (await this.#folder()).keys()) {
      const [, id] = NAME.exec(name) ?? [];
      if (id !== undefined) ids.add(id);
    }
    return ids;
  }

  /** Creates a pair. If that fails, no file is left behind. */
  async create(): Promise<OpenPair> {
    const runs = Array.from(await this.list(), (id) => Number.parseInt(id, 10));
    const run = 1 + Math.max(0, ...runs);
    for (let attempt = 1; ; attempt++) {
      const id = `${run}-${idFrom(() => (crypto.getRandomValues(new Uint32Array(1))[0] as number) / 2 ** 32)}`;
      try {
        return { id, run, pair: await this.open(id) };
      } catch (error) {
        await this.delete(id).catch(() => {});
        if (attempt === ATTEMPTS || !isBusy(nameOf(error))) throw error;
      }
    }
  }

  /** Opens a pair; creates the files that are missing. Rejects if another worker has it open. */
  async open(id: string): Promise<JournalPair> {
    const folder = await this.#folder();
    const handles: AccessHandle[] = [];
    try {
      // First, the file whose lock decides.
      for (const end of ENDS) {
        const file = await folder.getFileHandle(id + end, { create: true });
        const handle = await file.createSyncAccessHandle?.();
        if (handle === undefined) throw noHandles();
        handles.push(handle);
        // In old browsers the methods of a handle return promises.
        if (typeof handle.getSize() !== 'number') throw noHandles();
      }
      return new JournalPair(`${this.path}/${id}`, handles, this.#options);
    } catch (error) {
      for (const handle of handles) await quietly(() => handle.close());
      throw error;
    }
  }

  /** Deletes a pair that is closed. */
  async delete(id: string): Promise<void> {
    const folder = await this.#folder();
    for (const end of ENDS) await folder.removeEntry(id + end);
  }

  /** Looked up anew each time: its user may have deleted it. */
  async #folder(): Promise<AccessibleFolder> {
    const ours = await (await this.#manager.getDirectory()).getDirectoryHandle('nikdev-iot', { create: true });
    return ours.getDirectoryHandle(this.#name, { create: true });
  }
}

const noHandles = (): Error => Object.assign(new Error('no access handles'), { name: NO_HANDLES });
