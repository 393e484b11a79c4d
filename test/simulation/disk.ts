import { Bytes } from './bytes.js';
import type { Random } from './random.js';
import { upTo } from './random.js';

type Operation = { readonly at: number; readonly bytes: Uint8Array } | { readonly size: number };

/** The content of a file, in the page cache and on the platter. */
export class Inode {
  static #numbers = 0;
  readonly number = ++Inode.#numbers;
  readonly cached = new Bytes();
  readonly durable = new Bytes();
  mtimeMs = 0;
  /** The time of its last change or touch, on the monotonic clock. */
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

  /** A failed sync: the kernel marks the pages clean, and no later sync writes them. */
  failToSync(): void {
    this.#pending = [];
  }

  /** Makes all of it durable, whatever failed before. */
  persist(): void {
    this.#pending = [];
    this.durable.become(this.cached);
  }

  /** Keeps a prefix of the operations that were not synced, torn at a byte. */
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

/** The faults of a disk until it is healed. */
export interface DiskFaults {
  /** Free bytes. */
  freeSpace: number;
  /** The share of its bytes that a write takes. */
  share: number;
  readonly failing: Set<'write' | 'sync' | 'sync folder' | 'truncate' | 'rename' | 'unlink' | 'open'>;
}

export type Names = ReadonlyMap<string, Inode>;

/** A disk with the folder of the journals, and its parent. */
export class Disk {
  readonly folder = '/data/queue';
  faults: DiskFaults = healthy();
  exists = false;
  /** Whether the name of the folder is durable. */
  isFolderDurable = false;
  /** The names in the folder, in the page cache and on the platter. */
  cached = new Map<string, Inode>();
  durable = new Map<string, Inode>();
  /** The names after each change that is not durable. */
  #pending: Map<string, Inode>[] = [];

  change(edit: (names: Map<string, Inode>) => void): void {
    edit(this.cached);
    this.#pending.push(new Map(this.cached));
  }

  syncFolder(): void {
    this.durable = new Map(this.cached);
    this.#pending = [];
  }

  /** Adds a durable file. */
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

  /** Deletes files durably. */
  delete(names: readonly string[]): void {
    for (const name of names) this.faults.freeSpace += this.cached.get(name)?.cached.length ?? 0;
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

  /** The names that survive a power cut for certain. */
  get certain(): Names {
    return this.isFolderDurable ? this.durable : new Map();
  }

  /** Cuts the power: synced changes survive, and a random prefix of the others. */
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
  return { freeSpace: Number.POSITIVE_INFINITY, share: 1, failing: new Set() };
}
