import type { Writer } from '../../../src/core/ports/storage.js';
import { fileStorage } from '../../../src/node.js';
import { type StorageUnderTest, storageContract } from '../../contract/storage-contract.js';
import { temporaryFolder } from '../../support/disks/temporary-folder.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { FakeMachine } from '../../support/fakes/fake-machine.js';

for (const durability of ['power', 'process'] as const) {
  storageContract(`fileStorage, a process each (${durability})`, (): StorageUnderTest => {
    const folder = temporaryFolder();
    const machine = new FakeMachine();
    const clock = new FakeClock();
    const processes = new Map<Writer, { kill(): void }>();
    return {
      open(destination) {
        const process = machine.start();
        const writer = fileStorage(folder, { durability }, process).open(destination, clock);
        processes.set(writer, process);
        return writer;
      },
      crash: (writer) => processes.get(writer)?.kill(),
      adopt: (writer, options) => writer.adopt(options),
    };
  });
}

storageContract('fileStorage, one for all writers', (): StorageUnderTest => {
  const storage = fileStorage(temporaryFolder());
  const clock = new FakeClock();
  return {
    open: (destination) => storage.open(destination, clock),
    crash: (writer) => writer.close(),
    adopt: (writer, options) => writer.adopt(options),
  };
});
