import * as nodeFs from 'node:fs';
import type { FilePlatform, FileSystem } from '../../../src/storage/file/journal/file-system.js';

/** Copied once: Vitest looks up each export of a built-in module anew. */
const realFs = { ...nodeFs };

/** A machine's processes, as /proc lists them; files are real. */
export class FakeMachine {
  readonly #living = new Map<number, string>();
  #next = 1000;
  boot = 'boot1';

  /** That of the process that was started last. */
  get lastPid(): number {
    return this.#next;
  }

  /** Starts a process. */
  start(namespace = '4026531836', pid = ++this.#next, started = String(pid * 7)): FilePlatform & { kill(): void } {
    this.#living.set(pid, started);
    const fs = {
      ...realFs,
      readlinkSync: (path: string) => (path === '/proc/self/ns/pid' ? `pid:[${namespace}]` : nodeFs.readlinkSync(path)),
      readFileSync: (path: string | number) => {
        if (path === '/proc/sys/kernel/random/boot_id') return Buffer.from(`${this.boot}\n`);
        const [, number] = /^\/proc\/(\d+)\/stat$/.exec(String(path)) ?? [];
        if (number === undefined) return nodeFs.readFileSync(path);
        const since = this.#living.get(Number(number));
        if (since === undefined) throw Object.assign(new Error('no such process'), { code: 'ENOENT' });
        return Buffer.from(`${number} (a) b) S ${'0 '.repeat(18)}${since} 0 0\n`);
      },
    } as unknown as FileSystem;
    return {
      fs,
      pid,
      uid: process.geteuid?.(),
      isRunning: (other) => this.#living.has(other),
      kill: () => void this.#living.delete(pid),
    };
  }
}
