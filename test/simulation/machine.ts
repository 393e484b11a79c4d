import { constants } from 'node:fs';
import type { FilePlatform, FileSystem } from '../../src/storage/file/journal/file-system.js';
import { Disk, type DiskFaults, Inode } from './disk.js';
import { Lifecycle } from './lifecycle.js';
import type { Random } from './random.js';
import { upTo } from './random.js';
import type { SimulatedTime } from './time.js';

interface Descriptor {
  /** `'folder'` is the one of the journals, `'parent'` the one that holds it. */
  readonly inode: Inode | 'folder' | 'parent';
  readonly mayOverwrite: boolean;
  /** Whether every operation with it fails, though its path may work. */
  isDead: boolean;
}

interface LivingProcess {
  readonly namespace: number;
  readonly started: number;
  readonly lifecycle: Lifecycle;
  readonly openStores: ReadonlySet<string>;
  readonly descriptors: ReadonlyMap<number, Descriptor>;
}

/** The namespace of processes that may not read `/proc`: all of them have the same process id. */
const SCOPED = 2;

/** A process of the simulated machine. */
export interface MachineProcess {
  readonly lifecycle: Lifecycle;
  readonly platform: FilePlatform;
  /** Its open descriptors. */
  readonly descriptors: ReadonlyMap<number, Descriptor>;
}

/** The properties that all files share: one user makes them. */
const OWN = { dev: 1, uid: 1000, nlink: 1, mode: 0o100600, isFile: () => true, isSymbolicLink: () => false };
export const FIRST_NAMESPACE = 4_026_531_836;
/** Few, so that they are reused. */
const PIDS = [101, 102, 103, 104, 105, 106, 107, 108, 109, 110];

/** A machine: a disk, and processes that see each other through /proc within their pid namespace. */
export class Machine {
  readonly disk: Disk;
  readonly #time: SimulatedTime;
  readonly #random: Random;
  readonly #onEvent: (event: string) => void;
  /** By namespace and pid; processes that may not read `/proc`, by their start. */
  readonly #living = new Map<string, LivingProcess>();
  /** Called for each file that is adopted from a living process, with the age of its last heartbeat. */
  onAdoptedFromLiving: (owner: Lifecycle, isSameNamespace: boolean, silentMs: number) => void = () => {};
  /** Counts power cuts, from 1 on. */
  boot = 1;
  #starts = 0;

  /** @param onEvent - Called for each call that fails, and for other rare events. */
  constructor(time: SimulatedTime, random: Random, onEvent: (event: string) => void = () => {}, disk = new Disk()) {
    this.#time = time;
    this.#random = random;
    this.#onEvent = onEvent;
    this.disk = disk;
  }

  /** Another machine with the same files and boot, and no process. */
  copy(time: SimulatedTime): Machine {
    const copy = new Machine(time, this.#random, undefined, this.disk.copy());
    copy.boot = this.boot;
    copy.#starts = this.#starts;
    return copy;
  }

  start(namespace: number): MachineProcess {
    const free = PIDS.filter((pid) => !this.#living.has(`${namespace} ${pid}`));
    const pid = namespace === SCOPED ? 1 : (free[upTo(this.#random, free.length - 1)] ?? 1000 + this.#starts);
    const started = ++this.#starts;
    const key = `${namespace} ${namespace === SCOPED ? `at ${started}` : pid}`;
    const lifecycle = new Lifecycle(this.#random, () => void this.#living.delete(key));
    const descriptors = new Map<number, Descriptor>();
    const openStores = new Set<string>();
    this.#living.set(key, { namespace, started, lifecycle, openStores, descriptors });
    const fs = this.#fileSystem(lifecycle, descriptors, namespace);
    const isRunning = (other: number): boolean => namespace === SCOPED || this.#living.has(`${namespace} ${other}`);
    return { lifecycle, platform: { fs, pid, uid: OWN.uid, isRunning, openStores }, descriptors };
  }

  /** All open descriptors fail for good, as those of a disk that was unplugged and is back; files can be opened anew. */
  killDescriptors(): void {
    for (const { descriptors } of this.#living.values())
      for (const descriptor of descriptors.values()) descriptor.isDead = true;
  }

  /** Whether a journal's name says that a living process owns it. */
  isOwned(name: string): boolean {
    return this.#ownerOf(name) !== undefined;
  }

  /** Ends all processes at once; the disk keeps at least its synced contents. */
  cutPower(): void {
    this.boot += 1;
    for (const { lifecycle } of [...this.#living.values()]) lifecycle.end();
    this.disk.cut(this.#random);
  }

  #ownerOf(name: string): LivingProcess | undefined {
    const [, store = ''] = /_([\da-z]{16})_[\da-z]{16}\.journal/.exec(name) ?? [];
    return [...this.#living.values()].find(({ openStores }) => openStores.has(store));
  }

  #touch(inode: Inode, mtimeMs = this.#time.wall): void {
    inode.mtimeMs = mtimeMs;
    inode.changedAt = this.#time.monotonic;
  }

  #fileSystem(lifecycle: Lifecycle, descriptors: Map<number, Descriptor>, namespace: number): FileSystem {
    const { disk } = this;
    let lastDescriptor = 2;
    const open = (inode: Descriptor['inode'], mayOverwrite = false): number => {
      descriptors.set(++lastDescriptor, { inode, mayOverwrite, isDead: false });
      return lastDescriptor;
    };
    const inodeOf = (fd: number): Inode => {
      const { inode, isDead = false } = descriptors.get(fd) ?? {};
      if (isDead) throw failure('ESTALE');
      if (inode === undefined || typeof inode === 'string') throw failure('EBADF');
      return inode;
    };
    const found = (path: string): Inode => {
      const inode = disk.cached.get(nameIn(disk, path));
      if (inode === undefined) throw failure('ENOENT');
      return inode;
    };
    const failIf = (fault: Parameters<DiskFaults['failing']['has']>[0]): void => {
      if (!disk.faults.failing.has(fault)) return;
      this.#onEvent(`storage fails: ${fault}`);
      throw failure('EIO');
    };
    const statOf = ({ number, cached, mtimeMs }: Inode) => ({
      ...OWN,
      ino: number,
      size: cached.length,
      mtimeMs,
    });
    const sync = (fd: number): void => {
      const { inode, isDead = false } = descriptors.get(fd) ?? {};
      if (inode === undefined) throw failure('EBADF');
      lifecycle.operate();
      if (isDead) throw failure('ESTALE');
      if (typeof inode !== 'string' && disk.faults.failing.has('sync')) inode.failToSync();
      failIf(typeof inode === 'string' ? 'sync folder' : 'sync');
      if (inode === 'folder') disk.syncFolder();
      else if (inode === 'parent') disk.isFolderDurable = disk.exists;
      else inode.sync();
    };

    const folderStats = () => {
      lifecycle.operate();
      if (!disk.exists) throw failure('ENOENT');
      return { ...OWN, mode: 0o40700, isFile: () => false, isDirectory: () => true };
    };

    return {
      openSync: (path: string, flags: number) => {
        lifecycle.operate();
        if (path === disk.folder && disk.exists) return open('folder');
        if (disk.folder.startsWith(`${path}/`)) return open('parent');
        failIf('open');
        if (!disk.exists) throw failure('ENOENT');
        const name = nameIn(disk, path);
        let inode = disk.cached.get(name);
        if (inode === undefined) {
          if ((flags & constants.O_CREAT) === 0) throw failure('ENOENT');
          const made = new Inode();
          this.#touch(made);
          if (name.endsWith('.unreadable')) this.#onEvent('unreadable records moved');
          disk.change((names) => names.set(name, made));
          inode = made;
        } else if ((flags & constants.O_EXCL) !== 0) throw failure('EEXIST');
        return open(inode, (flags & constants.O_APPEND) === 0);
      },
      closeSync: (fd: number) => {
        if (lifecycle.isAlive && !descriptors.delete(fd)) throw failure('EBADF');
      },
      writeSync: (fd: number, data: Buffer | string, offset = 0, _length?: number, position: number | null = null) => {
        const inode = inodeOf(fd);
        const bytes = (typeof data === 'string' ? Buffer.from(data) : data).subarray(offset);
        const isInPlace = position !== null && position + bytes.length <= inode.cached.length;
        const write = (count: number): number => {
          // As on Linux, a descriptor opened for appending ignores the position.
          const at = isInPlace && descriptors.get(fd)?.mayOverwrite ? position : inode.cached.length;
          inode.do({ at, bytes: Buffer.from(bytes.subarray(0, count)) });
          this.#touch(inode);
          return count;
        };
        lifecycle.operate((share) => write(Math.floor(bytes.length * share)));
        failIf('write');
        const { freeSpace, share } = disk.faults;
        if (isInPlace) {
          this.#onEvent('overwritten in place');
          return write(bytes.length);
        }
        if (freeSpace <= 0) {
          this.#onEvent('storage fails: full');
          throw failure('ENOSPC');
        }
        if (share < 1) this.#onEvent('storage fails: short');
        const count = Math.min(Math.ceil(bytes.length * share), freeSpace);
        disk.faults.freeSpace -= count;
        return write(count);
      },
      readSync: (fd: number, target: Buffer, offset: number, length: number, position: number) => {
        lifecycle.operate();
        // As a read may that is interrupted: what it returns ends anywhere.
        const most = this.#random() < 0.5 ? length : 1 + upTo(this.#random, length - 1);
        return inodeOf(fd)
          .cached.view()
          .copy(target, offset, position, position + most);
      },
      readFileSync: (from: number | string) => {
        lifecycle.operate();
        if (typeof from === 'number') return Buffer.from(inodeOf(from).cached.view());
        if (namespace === SCOPED && from.startsWith('/proc/')) throw failure('EACCES');
        if (from === '/proc/sys/kernel/random/boot_id') return Buffer.from(`boot${this.boot}\n`);
        const [, pid] = /^\/proc\/(\d+)\/stat$/.exec(from) ?? [];
        if (pid === undefined) return Buffer.from(found(from).cached.view());
        const process = this.#living.get(`${namespace} ${pid}`);
        if (process === undefined) throw failure('ENOENT');
        return Buffer.from(`${pid} (a) b) S ${'0 '.repeat(18)}${process.started} 0 0\n`);
      },
      readlinkSync: () => {
        if (namespace === SCOPED) throw failure('EACCES');
        return `pid:[${FIRST_NAMESPACE + namespace}]`;
      },
      fdatasyncSync: sync,
      fsyncSync: sync,
      ftruncateSync: (fd: number, size: number) => {
        const inode = inodeOf(fd);
        lifecycle.operate((share) => share > 0.5 && inode.do({ size }));
        failIf('truncate');
        disk.faults.freeSpace += inode.cached.length - size;
        inode.do({ size });
        this.#touch(inode);
      },
      renameSync: (from: string, to: string) => {
        lifecycle.operate();
        failIf('rename');
        const inode = found(from);
        const owner = this.#ownerOf(nameIn(disk, from));
        if (owner && owner.lifecycle !== lifecycle)
          this.onAdoptedFromLiving(
            owner.lifecycle,
            owner.namespace === namespace && namespace !== SCOPED,
            this.#time.monotonic - inode.changedAt,
          );
        if (from.endsWith('.tmp')) this.#onEvent('journal rewritten');
        disk.change((names) => {
          names.delete(nameIn(disk, from));
          names.set(nameIn(disk, to), inode);
        });
      },
      unlinkSync: (path: string) => {
        lifecycle.operate();
        failIf('unlink');
        disk.faults.freeSpace += found(path).cached.length;
        disk.change((names) => names.delete(nameIn(disk, path)));
      },
      statSync: folderStats,
      lstatSync: (path: string) => {
        if (path === disk.folder) return folderStats();
        lifecycle.operate();
        return statOf(found(path));
      },
      fstatSync: (fd: number) => {
        lifecycle.operate();
        return statOf(inodeOf(fd));
      },
      readdirSync: () => {
        lifecycle.operate();
        if (!disk.exists) throw failure('ENOENT');
        return [...disk.cached.keys()];
      },
      mkdirSync: (path: string) => {
        lifecycle.operate();
        failIf('open');
        const made = disk.exists ? undefined : path;
        disk.exists = true;
        return made;
      },
      futimesSync: (fd: number, _accessed: number, modified: number) => {
        lifecycle.operate();
        this.#touch(inodeOf(fd), modified * 1000);
      },
    } as unknown as FileSystem;
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function nameIn(disk: Disk, path: string): string {
  if (!path.startsWith(`${disk.folder}/`)) throw failure('ENOENT');
  return path.slice(disk.folder.length + 1);
}
