import { listenToProcess } from './host-process.js';

/** The unpushed entries in memory of all `Api`s that are not closed: also of those that were garbage collected. */
let entries = 0;

/** Counts entries in memory. A process that ends with such entries says so on stderr; without any it has no listener. */
export function countInMemory(change: number): void {
  const before = entries;
  entries += change;
  if (entries > 0 !== before > 0) listenToProcess(entries > 0 ? 'on' : 'off', 'exit', report);
}

function report(): void {
  console.error(
    `nikdev-iot: this process ends with unpushed entries in memory (${entries}), which are lost. fileStorage(directory) of nikdev-iot/node keeps them; close({ push: true }) pushes them.`,
  );
}
