import type { Writer } from '../../../src/core/ports/storage.js';
import { opfsStorage } from '../../../src/opfs.js';
import { type StorageUnderTest, storageContract } from '../../contract/storage-contract.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeOpfs, type FakeWorker } from '../../support/fakes/fake-opfs.js';

for (const durability of ['power', 'process'] as const) {
  storageContract(`opfsStorage, a worker each (${durability})`, (): StorageUnderTest => {
    const disk = new FakeOpfs();
    const clock = new FakeClock();
    const workers = new Map<Writer, FakeWorker>();
    return {
      async open(destination) {
        const worker = disk.startWorker();
        const writer = (await opfsStorage('x', { durability }, worker.manager)).open(destination, clock);
        workers.set(writer, worker);
        return writer;
      },
      crash: (writer) => workers.get(writer)?.kill(),
      adopt: (writer, options) => writer.adopt(options),
    };
  });
}

storageContract('opfsStorage, one for all writers', (): StorageUnderTest => {
  const storage = opfsStorage('x', {}, new FakeOpfs().startWorker().manager);
  const clock = new FakeClock();
  return {
    open: async (destination) => (await storage).open(destination, clock),
    crash: (writer) => writer.close(),
    adopt: (writer, options) => writer.adopt(options),
  };
});
