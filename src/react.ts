/**
 * Hooks for React 18 and later: an {@link Api} for the life of a component, its status, and the last values of fields.
 *
 * @module nikdev-iot/react
 */

import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import {
  Api,
  type ApiOptions,
  type FieldDefinitions,
  type FieldIds,
  type FieldName,
  isApiException,
  type ReadingOf,
  type Status,
  type WatchOptions,
} from './index.js';

/**
 * Makes an {@link Api} for as long as the component is mounted, and closes it when the component is unmounted. Entries that are
 * still queued then stay saved, for the next run to adopt.
 *
 * @param options - Read when the component is mounted; later changes have no effect. For another device give the component a
 * `key`: `<Device key={deviceId} deviceId={deviceId} />`.
 * @returns The same `Api` at each rendering; a new one after React has hidden the component and shows it again.
 * @throws `ConfigException` naming an invalid option.
 * @example
 * ```tsx
 * function Door() {
 *   const api = useApi({ deviceId: '…', apiKey: '…', autoPush: true })
 *   const { committed } = useStatus(api)
 *   return <button onClick={() => { api.addValue('door', true); api.commit() }}>{committed} queued</button>
 * }
 * ```
 */
export function useApi<Fields extends FieldDefinitions = FieldIds>(options: ApiOptions<Fields>): Api<Fields> {
  const [lease, renew] = useState(() => new Lease(options));
  useEffect(() => {
    if (!lease.isClosed) return lease.mount();
    renew(new Lease(options));
    return undefined;
    // Without the options, which are read once a mount.
  }, [lease]);
  return lease.api;
}

/**
 * The status of an {@link Api}, rendered anew whenever it changes.
 *
 * @returns The snapshot that `api.status()` returns. While rendering on a server and while hydrating: the snapshot of an `Api` that
 * has nothing to do, so that both render the same.
 * @example
 * ```ts
 * const { committed, online } = useStatus(api)
 * ```
 */
export function useStatus<Fields extends FieldDefinitions>(api: Api<Fields>): Status {
  const subscribe = useCallback((onChange: () => void) => unlessClosed(() => api.subscribe(onChange)), [api]);
  return useSyncExternalStore(
    subscribe,
    () => api.status(),
    () => IDLE,
  );
}

/**
 * The last values of fields, read anew at an interval: see {@link Api.watch}.
 *
 * @param fields - One field or several, as for {@link Api.watch}. An array with the same names is the same.
 * @param options - As for {@link Api.watch}.
 * @returns The readings; empty until the first have arrived, on a server, and while hydrating.
 * @throws The exceptions of {@link Api.watch} and its iteration, for the next error boundary: `GetException` where the server refuses to be
 * read.
 * @example
 * ```tsx
 * const [temperature] = useReadings(api, ['<Field ID>'], { everySeconds: 5 })
 * ```
 */
export function useReadings<Fields extends FieldDefinitions, Name extends FieldName<Fields>>(
  api: Api<Fields>,
  fields: Name | readonly Name[],
  { everySeconds, signal }: WatchOptions = {},
): readonly ReadingOf<Fields, Name>[] {
  const names = JSON.stringify(fields);
  const watch = useMemo(
    () => new WatchStore({ watch: () => api.watch<Name>(JSON.parse(names), { everySeconds, signal }) }),
    [api, names, everySeconds, signal],
  );
  const { readings, error } = useSyncExternalStore(watch.subscribe, watch.snapshot, nothing);
  if (error !== undefined) throw error.thrown;
  return readings as readonly ReadingOf<Fields, Name>[];
}

/** An `Api` of a component that is not mounted by then belongs to a rendering that React has discarded. */
const MOUNTED_WITHIN_MS = 30_000;

/** Holds the `Api` of one component. It adopts nothing before it is mounted: React discards some renderings. */
class Lease<Fields extends FieldDefinitions> {
  readonly api: Api<Fields>;
  isClosed = false;
  #mounts = 0;
  readonly #timer: ReturnType<typeof setTimeout>;
  #start = (): void => {};

  constructor(options: ApiOptions<Fields>) {
    const startsAfter = new Promise<void>((resolve) => {
      this.#start = resolve;
    });
    this.api = new Api(options, { startsAfter });
    this.#timer = setTimeout(() => this.#closeUnlessMounted(), MOUNTED_WITHIN_MS);
    (this.#timer as { unref?(): void }).unref?.();
  }

  /** @returns The function that unmounts it. */
  mount(): () => void {
    clearTimeout(this.#timer);
    this.#start();
    this.#mounts += 1;
    return () => {
      this.#mounts -= 1;
      // In development, React unmounts each component and mounts it again in one task.
      queueMicrotask(() => this.#closeUnlessMounted());
    };
  }

  #closeUnlessMounted(): void {
    if (this.#mounts > 0 || this.isClosed) return;
    this.isClosed = true;
    void this.api.close();
  }
}

/** The findings of a watch: the last readings, or what its iteration threw. */
interface Watched {
  readonly readings: readonly unknown[];
  readonly error?: { readonly thrown: unknown };
}

const NOTHING: Watched = Object.freeze({ readings: Object.freeze([]) });
const nothing = (): Watched => NOTHING;

interface WatchSource {
  watch(): AsyncIterableIterator<readonly unknown[]>;
}

/** Watches for as long as somebody subscribes. */
class WatchStore {
  readonly #source: WatchSource;
  #watched = NOTHING;

  constructor(source: WatchSource) {
    this.#source = source;
  }

  readonly snapshot = (): Watched => this.#watched;

  readonly subscribe = (onChange: () => void): (() => void) => {
    let isOver = false;
    const set = (watched: Watched): void => {
      if (isOver) return;
      this.#watched = watched;
      onChange();
    };
    return unlessClosed(() => {
      const watch = this.#source.watch();
      void this.#follow(watch, set);
      return () => {
        isOver = true;
        void watch.return?.();
      };
    });
  };

  async #follow(watch: AsyncIterable<readonly unknown[]>, set: (watched: Watched) => void): Promise<void> {
    try {
      for await (const readings of watch) set({ readings });
    } catch (thrown) {
      set({ readings: [], error: { thrown } });
    }
  }
}

/** The status of an `Api` that has nothing to do, wherever it runs. */
const IDLE: Status = Object.freeze({
  staged: 0,
  committed: 0,
  quarantined: 0,
  live: 0,
  backlog: 0,
  bytes: 0,
  queuedBytes: 0,
  oldestAgeSeconds: undefined,
  suppressed: 0,
  paused: false,
  durability: 'none',
  warnings: Object.freeze([]),
  online: true,
  reading: undefined,
  pushing: false,
  lastPush: undefined,
  nextTry: undefined,
  lastException: undefined,
});

/** Subscribes, unless the `Api` is closed: its component is about to be unmounted, or gets a new one. */
function unlessClosed(subscribe: () => () => void): () => void {
  try {
    return subscribe();
  } catch (exception) {
    if (!isApiException(exception) || exception.name !== 'ApiException') throw exception;
    return () => {};
  }
}
