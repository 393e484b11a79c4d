import fc from 'fast-check';

// The same draws in each run, so that two runs find the same survivors; and one failure is enough to kill a mutant.
fc.configureGlobal({ seed: 1, endOnFailure: true });
