import { Bytes } from './bytes.js';
import type { Random } from './random.js';
import { upTo } from './random.js';

type Operation = { readonly at: number; readonly bytes: Uint8Array } | { readonly size: number };

/** A file's content, as the page cache has it and as the platter does. */
export class Inode {
  static #numbers = 0;
  readonly number = ++Inode.#numbers;
  readonly cached = new Bytes();
  readonly durable = new Bytes();
  mtimeMs = 0;
  /** When it was changed or touched last, on the clock that nobody can set. */
  changedAt = 0;
  #pending: Operation[] = [];

  do(operation: Operation): void {
    apply(this.cached, operation);
    this.#pending.push(operation);
  }

  sync(): void {
    for (const operation of this.#pending) apply(this.durable, operation);
    this.#pending = [];
  }

  /** A failed sync: the kernel takes the pages for clean, and no later sync writes them. */
  failToSync(): void {
    this.#pending = [];
  }

  /** All of it is on the platter, whatever failed before. */
  persist(): void {
    this.#pending = [];
    this.durable.become(this.cached);
  }

  /** Of what was not synced a prefix survives, torn at a byte. */
  cut(random: Random): void {
    const survivors = upTo(random, this.#pending.length);
    const torn = this.#pending[survivors];
    for (const operation of this.#pending.slice(0, survivors)) apply(this.durable, operation);
    if (torn && 'bytes' in torn && random() < 0.5) {
      apply(this.durable, { at: torn.at, bytes: torn.bytes.subarray(0, upTo(random, torn.bytes.length)) });
    }
    this.#pending = [];
    this.cached.become(this.durable);
  }

  copy(): Inode {
    const copy = new Inode();
    copy.cached.become(this.cached);
    copy.durable.become(this.cached);
    copy.mtimeMs = this.mtimeMs;
    return copy;
  }
}

function apply(bytes: Bytes, operation: Operation): void {
  if ('size' in operation) bytes.resize(operation.size);
  else bytes.write(operation.at, operation.bytes);
}

/** What of a disk fails, until it is healed. */
export interface DiskFaults {
  /** How many bytes there is room for. */
  room: number;
  /** Which share of its bytes a write takes. */
  share: number;
  readonly failing: Set<'write' | 'sync' | 'sync folder' | 'truncate' | 'rename' | 'unlink' | 'open'>;
}

export type Names = ReadonlyMap<string, Inode>;

/** A disk with one folder that is used, and the folder that holds it. */
export class Disk {
  readonly folder = '/data/queue';
  faults: DiskFaults = healthy();
  exists = false;
  /** Whether the name of the folder itself is on the platter. */
  isFolderDurable = false;
  /** The folder's names, as the page cache has them and as the platter does. */
  cached = new Map<string, Inode>();
  durable = new Map<string, Inode>();
  /** What the folder was like after each change that is not on the platter. */
  #pending: Map<string, Inode>[] = [];

  change(edit: (names: Map<string, Inode>) => void): void {
    edit(this.cached);
    this.#pending.push(new Map(this.cached));
  }

  syncFolder(): void {
    this.durable = new Map(this.cached);
    this.#pending = [];
  }

  /** Puts a file there that is on the platter, name and all. */
  plant(name: string, content: string | Uint8Array): void {
    const inode = new Inode();
    inode.do({ at: 0, bytes: typeof content === 'string' ? Buffer.from(content) : content });
    inode.sync();
    this.exists = true;
    this.isFolderDurable = true;
    this.change((names) => names.set(name, inode));
    this.syncFolder();
  }

  heal(): void {
    this.faults = healthy();
  }

  /** Deletes files, on the platter too; with all of them their folder. */
  delete(names: readonly string[]): void {
    for (const name of names) this.faults.room += this.cached.get(name)?.cached.length ?? 0;
    this.change((cached) => {
      for (const name of names) cached.delete(name);
    });
    this.syncFolder();
  }

  deleteFolder(): void {
    this.delete([...this.cached.keys()]);
    this.exists = false;
    this.isFolderDurable = false;
  }

  /** What is left if nothing survives that was not synced. */
  get certain(): Names {
    return this.isFolderDurable ? this.durable : new Map();
  }

  /** The power fails: what was synced stays, and of the rest what `random` lets. */
  cut(random: Random): void {
    const survivors = upTo(random, this.#pending.length);
    this.durable = this.#pending[survivors - 1] ?? this.durable;
    this.#pending = [];
    this.isFolderDurable ||= random() < 0.5;
    if (!this.isFolderDurable) {
      this.exists = false;
      this.durable = new Map();
    }
    for (const inode of new Set(this.durable.values())) inode.cut(random);
    this.cached = new Map(this.durable);
  }

  /** The same names and contents on another disk. */
  copy(): Disk {
    const copy = new Disk();
    copy.exists = this.exists;
    copy.isFolderDurable = this.isFolderDurable;
    copy.cached = new Map(Array.from(this.cached, ([name, inode]) => [name, inode.copy()]));
    copy.durable = new Map(copy.cached);
    return copy;
  }
}

function healthy(): DiskFaults {
  return { room: Number.POSITIVE_INFINITY, share: 1, failing: new Set() };
}
