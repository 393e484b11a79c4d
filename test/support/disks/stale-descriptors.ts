import type { FileSystem } from '../../../src/storage/file/journal/file-system.js';

const BY_DESCRIPTOR = [
  'closeSync',
  'fdatasyncSync',
  'fstatSync',
  'fsyncSync',
  'ftruncateSync',
  'readSync',
  'writeSync',
];

/** A file system whose descriptors, or all of it, can be made to fail. */
export interface StaleFileSystem {
  readonly fs: FileSystem;
  /** Each descriptor that is open now fails from now on, with this code; files can be opened anew. */
  goStale(code: string): void;
  /** Everything in the folder fails. */
  goAway(code: string): void;
  comeBack(): void;
  /** By name: with which code a call fails, if it is to fail. */
  readonly faults: Partial<Record<keyof FileSystem, (...args: unknown[]) => string | undefined>>;
}

/** @param folder - Only what is in it fails. */
export function staleFileSystem(real: FileSystem, folder: string): StaleFileSystem {
  const open = new Set<number>();
  const stale = new Map<number, string>();
  const faults: StaleFileSystem['faults'] = {};
  let gone: string | undefined;
  const fail = (code: string): never => {
    throw Object.assign(new Error(code), { code });
  };
  const call = (name: string, args: readonly unknown[]): unknown => {
    const [target] = args;
    const code = stale.get(target as number) ?? (open.has(target as number) ? gone : undefined);
    if (BY_DESCRIPTOR.includes(name) && code !== undefined) fail(code);
    if (gone !== undefined && String(target).startsWith(folder)) fail(gone);
    const fault = faults[name as keyof FileSystem]?.(...args);
    if (fault !== undefined) fail(fault);
    const result: unknown = Reflect.apply(Reflect.get(real, name) as () => unknown, real, args);
    if (name === 'openSync' && String(target).startsWith(folder)) {
      open.add(result as number);
      stale.delete(result as number);
    } else if (name === 'closeSync') open.delete(target as number);
    return result;
  };
  return {
    fs: new Proxy(real, {
      get:
        (_real, name: string) =>
        (...args: unknown[]) =>
          call(name, args),
    }),
    faults,
    goStale(code) {
      for (const fd of open) stale.set(fd, code);
    },
    goAway(code) {
      gone = code;
    },
    comeBack() {
      gone = undefined;
    },
  };
}
