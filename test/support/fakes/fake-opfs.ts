import type { AccessHandle, AccessibleFolder, StorageManagerLike } from '../../../src/storage/opfs/access-handles.js';

const error = (name: string): Error => Object.assign(new Error(name), { name });

/** An operation of a file or of a folder. */
type Operation = keyof AccessHandle | 'getFileHandle' | 'createSyncAccessHandle' | 'removeEntry' | 'keys';

/** A file, as the browser and its disk have it. */
interface FakeFile {
  bytes: Uint8Array;
  /** The bytes that survive a power cut. */
  synced: Uint8Array;
  owner: FakeWorker | undefined;
}

/** The origin private file system of one origin, with all its workers. */
export class FakeOpfs {
  /** By path. */
  readonly files = new Map<string, FakeFile>();
  /** By path, with a slash at the end. */
  readonly folders = new Set<string>();
  /** The bytes that all files may have. */
  quota = Number.POSITIVE_INFINITY;
  /** The writes that are still done, each byte and each truncation; with the last one, the worker is killed. */
  stepsLeft = Number.POSITIVE_INFINITY;
  /** Operations of handles that fail, with the error's name. */
  readonly failing = new Map<keyof AccessHandle, string>();
  /** Called before each operation of a living worker, with a file's path: it may throw, or kill the worker. */
  onOperation: (operation: Operation, path: string) => void = () => {};
  /** The bytes that a write takes at most. */
  mostAtOnce = Number.POSITIVE_INFINITY;

  get size(): number {
    return [...this.files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Paths and texts of the files. */
  get texts(): Record<string, string> {
    return Object.fromEntries(Array.from(this.files, ([path, { bytes }]) => [path, Buffer.from(bytes).toString()]));
  }

  startWorker(): FakeWorker {
    return new FakeWorker(this, (handle) => handle);
  }

  /** Starts a page, or a shared or service worker: a program that can't open files synchronously. */
  startPage(): FakeWorker {
    return new FakeWorker(this, undefined);
  }

  /** Starts a worker of a browser in which the methods of a handle return promises. */
  startOldWorker(): FakeWorker {
    return new FakeWorker(this, (handle) => {
      const later = async <Result>(operate: () => Result): Promise<Result> => {
        await new Promise(setImmediate);
        return operate();
      };
      const delayed = { getSize: () => later(handle.getSize), close: () => later(handle.close) };
      return { ...handle, ...delayed } as unknown as AccessHandle;
    });
  }

  /** Ends all workers. @param isLost - Whether a file has lost the bytes that were not synced. */
  cutPower(isLost: (path: string) => boolean): void {
    for (const [path, file] of this.files) {
      file.owner = undefined;
      if (isLost(path)) file.bytes = file.synced;
    }
  }

  /** A copy of all files, with no worker. */
  copy(): FakeOpfs {
    const copy = new FakeOpfs();
    for (const path of this.folders) copy.folders.add(path);
    for (const [path, { bytes, synced }] of this.files) copy.files.set(path, { bytes, synced, owner: undefined });
    return copy;
  }

  /** Deletes the data of the site, open files included. */
  clear(): void {
    this.files.clear();
    this.folders.clear();
  }
}

type Adapt = (handle: AccessHandle) => AccessHandle;

/** A dedicated worker, or another program. */
export class FakeWorker {
  readonly #disk: FakeOpfs;
  readonly #adapt: Adapt | undefined;
  #isDead = false;

  /** @param adapt - Makes the handle that the program gets; absent where it gets none. */
  constructor(disk: FakeOpfs, adapt: Adapt | undefined) {
    this.#disk = disk;
    this.#adapt = adapt;
  }

  /** Its `navigator.storage`. */
  get manager(): Required<StorageManagerLike> {
    return { getDirectory: async () => this.#folder('') };
  }

  /** Ends it at once; its locks are released. */
  kill(): void {
    this.#isDead = true;
    for (const file of this.#disk.files.values()) if (file.owner === this) file.owner = undefined;
  }

  #folder(path: string): AccessibleFolder {
    const { files, folders } = this.#disk;
    return {
      getDirectoryHandle: async (name, { create }) => {
        const full = `${path}${name}/`;
        if (!folders.has(full) && !create) throw error('NotFoundError');
        folders.add(full);
        return this.#folder(full);
      },
      getFileHandle: (name, { create }) =>
        this.#run('getFileHandle', path + name, (full) => {
          if (!files.has(full) && !create) throw error('NotFoundError');
          const none = new Uint8Array();
          if (!files.has(full)) files.set(full, { bytes: none, synced: none, owner: undefined });
          const adapt = this.#adapt;
          if (adapt === undefined) return {};
          return {
            createSyncAccessHandle: () => this.#run('createSyncAccessHandle', full, () => adapt(this.#open(full))),
          };
        }),
      removeEntry: (name) =>
        this.#run('removeEntry', path + name, (full) => {
          const file = files.get(full);
          if (file === undefined) throw error('NotFoundError');
          if (file.owner !== undefined) throw error('NoModificationAllowedError');
          files.delete(full);
        }),
      keys: () => this.#names(path),
    };
  }

  async *#names(folder: string): AsyncGenerator<string> {
    const names = await this.#run('keys', folder, () => [...this.#disk.files.keys()]);
    for (const name of names) if (name.startsWith(folder)) yield name.slice(folder.length);
  }

  /** Runs an operation of a folder. A dead worker runs nothing more. */
  async #run<Result>(operation: Operation, path: string, operate: (path: string) => Result): Promise<Result> {
    await undefined;
    if (!this.#isDead) this.#disk.onOperation(operation, path);
    return this.#isDead ? new Promise(() => {}) : operate(path);
  }

  #open(path: string): AccessHandle {
    const disk = this.#disk;
    const file = disk.files.get(path);
    if (file === undefined) throw error('NotFoundError');
    if (file.owner !== undefined) throw error('NoModificationAllowedError');
    file.owner = this;
    const check = (operation: keyof AccessHandle): void => {
      if (this.#isDead || file.owner !== this) throw error('InvalidStateError');
      const failure = disk.failing.get(operation);
      if (failure !== undefined) throw error(failure);
      disk.onOperation(operation, path);
    };
    const step = (steps: number): number => {
      const done = Math.min(steps, disk.stepsLeft);
      disk.stepsLeft -= done;
      return done;
    };
    const dieIf = (isCut: boolean): void => {
      if (!isCut) return;
      this.kill();
      throw error('InvalidStateError');
    };
    return {
      read(target, { at }) {
        check('read');
        const part = file.bytes.subarray(at, at + target.length);
        target.set(part);
        return part.length;
      },
      write: (bytes, { at }) => {
        check('write');
        const grown = Math.max(0, at + bytes.length - file.bytes.length);
        if (grown > 0 && disk.size + grown > disk.quota) throw error('QuotaExceededError');
        const wanted = Math.min(bytes.length, disk.mostAtOnce);
        const done = step(wanted);
        const next = new Uint8Array(Math.max(file.bytes.length, done > 0 ? at + done : 0));
        next.set(file.bytes);
        next.set(bytes.subarray(0, done), at);
        file.bytes = next;
        dieIf(done < wanted);
        return done;
      },
      truncate: (size) => {
        check('truncate');
        dieIf(step(1) < 1);
        const next = new Uint8Array(size);
        next.set(file.bytes.subarray(0, size));
        file.bytes = next;
      },
      getSize() {
        check('getSize');
        return file.bytes.length;
      },
      flush() {
        check('flush');
        file.synced = file.bytes;
      },
      close: () => {
        if (file.owner === this) file.owner = undefined;
      },
    };
  }
}
