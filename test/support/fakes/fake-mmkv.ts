import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MmkvLike } from '../../../src/react-native.js';
import { temporaryFolder } from '../disks/temporary-folder.js';

/** A synchronous key-value store in files, with the methods of version 4 of `react-native-mmkv`, or of an earlier one. */
export function fakeMmkv(folder = temporaryFolder(), { version = 4 } = {}): MmkvLike {
  const file = (key: string): string => join(folder, encodeURIComponent(key));
  const remove = (key: string): void => rmSync(file(key), { force: true });
  return {
    ...(version >= 4 ? { id: folder, remove } : { delete: remove }),
    set: (key, value) => writeFileSync(file(key), value),
    getString(key) {
      try {
        return readFileSync(file(key), 'utf8');
      } catch {
        return undefined;
      }
    },
    getAllKeys: () => readdirSync(folder).map(decodeURIComponent),
  };
}

/** Ends the app: its memory is gone, and with it the registry of what lives in it. */
export function endApp(): void {
  Reflect.deleteProperty(globalThis, Symbol.for('nikdev-iot.living'));
}
