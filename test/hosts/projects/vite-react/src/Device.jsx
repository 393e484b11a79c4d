import { useApi, useReadings, useStatus } from 'nikdev-iot/react';

export function Device({ options, temperature }) {
  const api = useApi({ ...options, autoPush: { everySeconds: 1 } });
  const { committed, durability } = useStatus(api);
  const [reading] = useReadings(api, 'temperature', { everySeconds: 1 });
  const store = () => {
    api.addValue('temperature', temperature);
    api.commit();
  };
  return (
    <main>
      <button type="button" onClick={store}>
        Store
      </button>
      <p>
        {committed} queued, durability {durability}
      </p>
      <p>{reading ? `read back ${reading.value}` : 'nothing read'}</p>
    </main>
  );
}
