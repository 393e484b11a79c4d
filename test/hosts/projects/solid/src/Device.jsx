import { Api } from 'nikdev-iot';
import { createSignal, For, from, onCleanup } from 'solid-js';

export function Device(props) {
  const api = new Api({ ...props.options, autoPush: { everySeconds: 1 } });
  onCleanup(() => void api.close());
  const status = from((set) => {
    set(api.status());
    return api.subscribe(() => set(api.status()));
  });
  const [readings, setReadings] = createSignal([]);
  const follow = async () => {
    for await (const latest of api.watch('temperature', { everySeconds: 1 })) setReadings(latest);
  };
  follow().catch(console.error);
  const store = () => {
    api.addValue('temperature', props.temperature);
    api.commit();
  };
  return (
    <main>
      <button type="button" onClick={store}>
        Store
      </button>
      <p>{status().committed} queued</p>
      <For each={readings()}>{({ value }) => <p>read back {value}</p>}</For>
    </main>
  );
}
