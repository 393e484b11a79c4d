/** A zone of zone.js, which Angular uses to find out what has changed and whether anything is still to come. */
interface Zone {
  run<Result>(callback: (...given: never[]) => Result, that?: unknown, given?: readonly unknown[]): Result;
}

const zones = (): { readonly root: Zone; readonly current: Zone } | undefined => {
  const { Zone } = globalThis as { Zone?: { root: Zone; current: Zone } };
  return typeof Zone?.root?.run === 'function' ? Zone : undefined;
};

/** Runs a function where Angular does not wait for the timers that it sets: with them, an application never gets stable. */
export function outOfZone<Result>(run: () => Result): Result {
  const root = zones()?.root;
  return root === undefined ? run() : root.run(run);
}

/** @returns The listener, to be called in the zone of this call: so Angular renders after it, whatever calls it. */
export function inThisZone<Event>(listener: (event: Event) => unknown): (event: Event) => unknown {
  const current = zones()?.current;
  return current === undefined ? listener : (event) => current.run(listener, undefined, [event]);
}
