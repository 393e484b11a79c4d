import { Api } from 'nikdev-iot';
import { onScopeDispose, readonly, shallowRef } from 'vue';

/** An `Api` for the life of a component or store, with its status. */
export function useDevice(options) {
  const api = new Api({ ...options, autoPush: { everySeconds: 1 } });
  const status = shallowRef(api.status());
  const unsubscribe = api.subscribe(() => {
    status.value = api.status();
  });
  onScopeDispose(() => {
    unsubscribe();
    void api.close();
  });
  return { api, status: readonly(status) };
}

/** The last readings of fields. */
export function useReadings(api, fields, { everySeconds = 5 } = {}) {
  const readings = shallowRef([]);
  const controller = new AbortController();
  const follow = async () => {
    for await (const latest of api.watch(fields, { everySeconds, signal: controller.signal })) readings.value = latest;
  };
  const failure = shallowRef();
  follow().catch((error) => {
    if (!controller.signal.aborted) failure.value = error;
  });
  onScopeDispose(() => controller.abort());
  return { readings, failure };
}
