import type { Adoption, AdoptOptions, StorageAdapter } from '../../core/ports/storage.js';
import { memoryStorage } from '../memory/memory-storage.js';

/** Keeps entries in memory, with a warning of each `Api`. */
export function storageInMemory(message: string): StorageAdapter {
  const { durability, open } = memoryStorage();
  return {
    durability,
    open(destination, clock) {
      const writer = open(destination, clock);
      const adopt = writer.adopt.bind(writer);
      const adoptAndWarn = async (options: AdoptOptions): Promise<Adoption> => {
        const adoption = await adopt(options);
        return options.isFirst ? { ...adoption, warnings: [{ code: 'storage-unavailable', message }] } : adoption;
      };
      return Object.assign(writer, { adopt: adoptAndWarn });
    },
  };
}
