import type { Status } from 'nikdev-iot';
import { useEffect, useState, useSyncExternalStore } from 'preact/compat';
import { api } from './api.js';

const subscribe = (onChange: () => void) => api.subscribe(onChange);
const getStatus = () => api.status();

/** The status of the `Api`; rerenders on each change. React has the same `useSyncExternalStore`. */
export function useStatus(): Status {
  return useSyncExternalStore(subscribe, getStatus);
}

export type Field = 'water' | 'power';
export type Readings = Partial<Record<Field, number>>;

/** The latest values from the server, as they change; or the reason why there are none, if it refuses the request. */
export function useReadings(): { readings: Readings; problem?: string } {
  const [state, setState] = useState<{ readings: Readings; problem?: string }>({ readings: {} });
  useEffect(() => {
    const stop = new AbortController();
    const follow = async (): Promise<void> => {
      for await (const found of api.watch(['water', 'power'], { everySeconds: 5, signal: stop.signal })) {
        const known = found.filter(({ value }) => typeof value === 'number');
        setState({ readings: Object.fromEntries(known.map(({ field, value }) => [field, value])) });
      }
    };
    follow().catch((error: unknown) => setState({ readings: {}, problem: String(error) }));
    return () => stop.abort();
  }, []);
  return state;
}
