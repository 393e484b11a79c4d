import { mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../../platform/system-clock.js';
import { codeOf } from '../../storage/file/journal/file-io.js';
import type { SafeFiles } from '../../storage/file/journal/safe-files.js';
import { type Processes, ProcessIdentity } from '../../storage/file/ownership/process-identity.js';
import { idFrom } from '../../storage/shared/random-id.js';
import { LockedException, notWritable } from '../exit.js';
import { SmallFile } from './small-file.js';

/*
 * A lock is a folder that holds one file, the token:
 *
 *   lock/free                                  nobody has the lock
 *   lock/<machine>_<process>_<store>           a process has it; see storage/file/journal/journal-name.ts
 *
 * Taking and giving back rename the token, and of several processes that rename one file one succeeds. A dead process's token is
 * renamed in the same way. The folder comes into being by a rename as well, with the token in it: a folder that is not empty
 * can't be replaced, so that there is never a second token.
 *
 * A process of this boot and this namespace of pids is looked up in /proc. Of any other nothing can be proved: it is dead after
 * three minutes in which its token did not change. A call lasts shorter than that, so the first observation is kept in a file,
 * with the time since boot, which is monotonic and the same for all processes.
 */
const FREE = 'free';
const TOKEN = /^(?:free|(?:-|[\da-f]{16})_[\da-f]{24}_[\da-z]{16})$/;

/** How long a call waits for a lock, in milliseconds. */
const LOCK_WAIT_MS = 5000;
const MIN_PAUSE_MS = 2;
const MAX_PAUSE_MS = 25;
/** In seconds. */
const DEAD_AFTER_SECONDS = 180;
export const HEARTBEAT_MS = 60_000;

/** The first observation of a token whose owner can't be looked up. */
interface Observation {
  readonly token: string;
  /** Changes with each heartbeat. */
  readonly modified: number;
  /** The observing machine, as times since boot of two machines can't be compared. */
  readonly machine: string;
  readonly uptime: number;
}

const CLOCK = new SystemClock();

/** A lock that this process holds. */
export interface HeldLock {
  /** Whether it is still held: a process that was stopped for minutes may have been presumed dead. */
  isHeld(): boolean;
  /** Shows processes that can't look this one up that it lives. */
  beat(): void;
  release(): void;
}

/** Waits without a turn of the event loop, as commits are synchronous. */
export const sleep = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};

/** A lock of a folder. */
export class FolderLock {
  readonly #folder: string;
  readonly #files: SafeFiles;
  readonly #processes: Processes;
  readonly #observed: SmallFile;
  readonly #name: string;

  constructor(files: SafeFiles, processes: Processes, name: string) {
    this.#files = files;
    this.#processes = processes;
    this.#name = name;
    this.#folder = files.folder.pathOf(name);
    this.#observed = new SmallFile(files, `${name}.seen.json`);
  }

  /**
   * @throws {@link LockedException} if another process holds it for all of the time; another `CommandException` if the folder
   * can't be written.
   */
  acquire(waitMs = LOCK_WAIT_MS): HeldLock {
    try {
      return this.#acquire(waitMs);
    } catch (error) {
      const code = codeOf(error);
      throw code === undefined ? error : notWritable(this.#files.folder.path, code);
    }
  }

  #acquire(waitMs: number): HeldLock {
    // A new one: the tokens of two calls differ.
    const identity = new ProcessIdentity(this.#files, this.#processes);
    identity.open(CLOCK);
    const until = performance.now() + waitMs;
    while (!this.#take(identity)) {
      if (performance.now() >= until) {
        identity.close();
        throw new LockedException(this.#name, this.#files.folder.path);
      }
      sleep(MIN_PAUSE_MS + Math.random() * (MAX_PAUSE_MS - MIN_PAUSE_MS));
    }
    return this.#held(identity);
  }

  #held(identity: ProcessIdentity): HeldLock {
    const { owner } = identity;
    const path = join(this.#folder, owner);
    return {
      isHeld: () => statSync(path, { throwIfNoEntry: false }) !== undefined,
      beat() {
        try {
          const now = Date.now() / 1000;
          utimesSync(path, now, now);
        } catch {
          // Tried again at the next beat.
        }
      },
      release: () => {
        identity.close();
        this.#rename(owner, FREE);
      },
    };
  }

  /** Tries once. @returns Whether the token is this process's now. */
  #take(identity: ProcessIdentity): boolean {
    if (this.#tokens().length === 0) this.#create();
    return this.#tokens().some(
      (token) => (token === FREE || this.#isDead(token, identity)) && this.#rename(token, identity.owner),
    );
  }

  #tokens(): string[] {
    try {
      return readdirSync(this.#folder).filter((name) => TOKEN.test(name));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  #rename(from: string, to: string): boolean {
    try {
      renameSync(join(this.#folder, from), join(this.#folder, to));
      return true;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  #create(): void {
    this.#files.folder.make();
    const made = `${this.#folder}.${idFrom(Math.random)}`;
    mkdirSync(made, { mode: 0o700 });
    try {
      writeFileSync(join(made, FREE), '', { flag: 'wx', mode: 0o600 });
      renameSync(made, this.#folder);
    } catch (error) {
      rmSync(made, { recursive: true, force: true });
      // Another process made it.
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(codeOf(error) ?? '')) throw error;
      if (this.#tokens().length === 0) sleep(MIN_PAUSE_MS);
    }
  }

  #isDead(token: string, identity: ProcessIdentity): boolean {
    const status = identity.status(token);
    return status === 'unknown' ? this.#isSilent(token, identity) : status === 'dead';
  }

  #isSilent(token: string, { owner }: ProcessIdentity): boolean {
    const modified = statSync(join(this.#folder, token), { throwIfNoEntry: false })?.mtimeMs;
    if (modified === undefined) return false;
    const [machine = ''] = owner.split('_');
    const now: Observation = { token, modified, machine, uptime: uptime() };
    const before = this.#observed.read() as Partial<Observation> | undefined;
    const isSame = before?.token === token && before.modified === modified && before.machine === machine;
    const since = now.uptime - (before?.uptime ?? Number.NaN);
    if (!isSame || !(since >= 0)) this.#observed.write(now);
    return isSame && since >= DEAD_AFTER_SECONDS;
  }
}
