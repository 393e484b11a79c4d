/**
 * Keeps garbage collection out of a test of thousands of runs: its time may decide nothing, and the registry of the process would
 * keep each crashed `Api`, and with it all that is simulated around it, in memory.
 *
 * @returns Undoes it.
 */
export function withoutCollection(): () => void {
  const collection = { WeakRef: globalThis.WeakRef, FinalizationRegistry: globalThis.FinalizationRegistry };
  Object.assign(globalThis, { WeakRef: undefined, FinalizationRegistry: undefined });
  return () => void Object.assign(globalThis, collection);
}
