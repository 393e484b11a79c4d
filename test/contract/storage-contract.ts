import { describe } from 'vitest';
import { adoptContract } from './adopt.js';
import { closeContract } from './close.js';
import { quarantineContract } from './quarantine.js';
import { removeContract } from './remove.js';
import { saveContract } from './save.js';
import { stagedContract } from './staged.js';
import type { MakeStorage } from './storage-under-test.js';

export type { StorageUnderTest } from './storage-under-test.js';

/** The promises that every storage keeps, whatever it is made of. @param make - Makes an empty storage, once a test. */
export function storageContract(name: string, make: MakeStorage): void {
  describe(`the storage contract, kept by ${name}`, () => {
    saveContract(make);
    removeContract(make);
    adoptContract(make);
    closeContract(make);
    stagedContract(make);
    quarantineContract(make);
  });
}
