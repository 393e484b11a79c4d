import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Api, type ApiOptions, webStorage } from '../../../src/index.js';
import { type FileStorageOptions, fileStorage } from '../../../src/node.js';
import type { FileSystem } from '../../../src/storage/file/journal/file-system.js';
import { credentials } from '../builders/credentials.js';
import { temporaryFolder } from '../disks/temporary-folder.js';
import { FakeClock } from './fake-clock.js';
import { FakeMachine } from './fake-machine.js';
import { FakeServer } from './fake-server.js';
import { FakeLocks, FakeWebStorage } from './fake-web.js';

/** A durable storage shared by runs, each of which is an `Api` in its own tab or process. */
export interface Place {
  readonly clock: FakeClock;
  readonly server: FakeServer;
  /** Starts a run. */
  open(options?: Partial<ApiOptions>): Api;
  /** Starts a run, and lets as much time pass as the adoption of orphans takes. */
  reopen(options?: Partial<ApiOptions>): Promise<Api>;
  /** Ends an `Api`'s run as its platform would at worst. */
  crash(api: Api): void;
  /** The stored texts, by key or by name of the file. */
  stored(): Map<string, string>;
  /** Stores a foreign or damaged text. */
  put(name: string, text: string): void;
}

/** The `localStorage` of an origin, and its tabs. */
export class WebPlace implements Place {
  readonly clock = new FakeClock();
  readonly server = new FakeServer();
  readonly localStorage = new FakeWebStorage();
  readonly #locks = new FakeLocks();
  readonly #tabs = new Map<Api, () => void>();
  readonly #options: { readonly maxLength?: number };

  constructor(options: { readonly maxLength?: number } = {}) {
    this.#options = options;
  }

  open(options: Partial<ApiOptions> = {}): Api {
    const tab = this.#locks.tab();
    const storage = webStorage(this.localStorage, this.#options, { locks: tab });
    const api = new Api({ ...credentials, storage, ...options }, { clock: this.clock, transport: this.server });
    this.#tabs.set(api, () => tab.end());
    onTestFinished(() => api.close());
    return api;
  }

  reopen = reopen;

  crash(api: Api): void {
    this.#tabs.get(api)?.();
  }

  stored(): Map<string, string> {
    return new Map(this.localStorage.items);
  }

  put(name: string, text: string): void {
    this.localStorage.setItem(name, text);
  }
}

/** By name of the call: returns the code with which it fails, or `undefined`, for its first argument. */
export type DiskFaults = Partial<Record<keyof FileSystem, (pathOrDescriptor: unknown) => string | undefined>>;

/** A folder, and the processes that use it. */
export class FilePlace implements Place {
  readonly clock = new FakeClock();
  readonly server = new FakeServer();
  readonly folder: string;
  readonly #machine = new FakeMachine();
  readonly #processes = new Map<Api, () => void>();

  constructor(folder = temporaryFolder()) {
    this.folder = folder;
  }

  /** @param faults - Read at each call, so that a test can start and end faults of the disk during the run. */
  open(
    options: Partial<ApiOptions> = {},
    faults: DiskFaults = {},
    fileOptions: FileStorageOptions = { durability: 'process' },
  ): Api {
    const process = this.#machine.start();
    const fs = new Proxy(process.fs, {
      get(real, name: keyof FileSystem) {
        const call = Reflect.get(real, name) as (...args: unknown[]) => unknown;
        return (...args: unknown[]): unknown => {
          const code = faults[name]?.(args[0]);
          if (code !== undefined) throw Object.assign(new Error(code), { code });
          return call(...args);
        };
      },
    });
    const storage = fileStorage(this.folder, fileOptions, { ...process, fs });
    const api = new Api({ ...credentials, storage, ...options }, { clock: this.clock, transport: this.server });
    this.#processes.set(api, () => process.kill());
    onTestFinished(() => api.close());
    return api;
  }

  reopen = reopen;

  crash(api: Api): void {
    this.#processes.get(api)?.();
  }

  stored(): Map<string, string> {
    return new Map(readdirSync(this.folder).map((name) => [name, readFileSync(join(this.folder, name), 'latin1')]));
  }

  put(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text, 'latin1');
  }
}

/** Both, for `describe.each`. */
export const PLACES: readonly (readonly [name: string, make: () => Place])[] = [
  ['webStorage', () => new WebPlace()],
  ['fileStorage', () => new FilePlace()],
];

async function reopen(this: Place, options?: Partial<ApiOptions>): Promise<Api> {
  const api = this.open(options);
  await this.clock.advance(5000);
  await api.ready;
  return api;
}
