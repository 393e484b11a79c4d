/** The tests that may kill a mutant: those of the core, and those of what its parts do together that is quickly tested. */
export default {
  test: {
    include: ['test/core/**/*.test.ts', 'test/behaviour/{staging,overflow,quarantine}.test.ts'],
    setupFiles: ['test/support/same-draws.ts'],
  },
};
