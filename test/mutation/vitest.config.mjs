const CORE = ['verdict', 'retry-after', 'batch', 'backoff', 'outbox', 'storage-sync', 'quarantine', 'staging'];
const BEHAVIOUR = ['staging', 'overflow', 'quarantine'];

/** The tests that may kill a mutant: those of the mutated files, and of what they do together; all of them quick. */
export default {
  test: {
    include: [`test/core/**/{${CORE}}.test.ts`, `test/behaviour/{${BEHAVIOUR}}.test.ts`],
    setupFiles: ['test/support/builders/fixed-seed.ts'],
    // Each mutant imports what is tested anew: once is enough.
    isolate: false,
  },
};
