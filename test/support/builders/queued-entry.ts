import type { QueuedEntry } from '../../../src/core/model/entry.js';

/** An entry as this run committed it, or another. */
export const queuedEntry = (sequence: number, writer = 'own'): QueuedEntry => ({
  writer,
  sequence,
  timestamp: 1,
  values: '[{"a":1}]',
  bytes: 9,
  origin: 'committed',
  epoch: undefined,
});
