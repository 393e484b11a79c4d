import { memoryStorage } from '../../../src/index.js';
import { storageContract } from '../../contract/storage-contract.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';

storageContract('memoryStorage', () => {
  const storage = memoryStorage();
  const clock = new FakeClock();
  return {
    open: (destination) => storage.open(destination, clock),
    // Memory ends with its process: what can be left is what a closed Api left.
    crash: (writer) => writer.close(),
    adopt: (writer, options) => writer.adopt(options),
  };
});
