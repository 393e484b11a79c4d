const CORE = ['verdict', 'retry-after', 'batch', 'retry-policy', 'outbox', 'storage-sync', 'quarantine', 'staging'];
const BEHAVIOUR = ['staging', 'overflow', 'quarantine'];
/** A kill at each byte takes too long. */
const SLOW = ['test/storage/opfs/killed-worker.test.ts'];

/** The tests that may kill a mutant: those of the mutated files, and of what they do together; all of them quick. */
export default {
  test: {
    include: [`test/core/**/{${CORE}}.test.ts`, `test/behaviour/{${BEHAVIOUR}}.test.ts`, 'test/storage/opfs/*.test.ts'],
    exclude: SLOW,
    setupFiles: ['test/support/builders/fixed-seed.ts'],
    // Mutated code is slow.
    testTimeout: 30_000,
    // Each mutant imports what is tested anew: once is enough.
    isolate: false,
  },
};
