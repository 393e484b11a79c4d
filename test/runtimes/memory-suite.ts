import { memoryStorage } from '../../src/index.js';
import { SystemClock } from '../../src/platform/system-clock.js';
import { storageContract } from '../contract/storage-contract.js';

export function memorySuite(): void {
  storageContract('memoryStorage', () => {
    const storage = memoryStorage();
    return {
      open: (destination) => storage.open(destination, new SystemClock()),
      crash: (writer) => writer.close(),
      adopt: (writer, options) => writer.adopt(options),
    };
  });
}
