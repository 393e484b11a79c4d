import { Api } from 'nikdev-iot';

const { VITE_DEVICE_ID, VITE_API_KEY, VITE_BASE_URL, VITE_FIELD_WATER, VITE_FIELD_POWER } = import.meta.env;

/** The `Api` of this app: saves entries in localStorage until they are pushed, and pushes automatically. */
export const api = new Api({
  deviceId: VITE_DEVICE_ID,
  apiKey: VITE_API_KEY,
  baseUrl: VITE_BASE_URL,
  fields: { water: VITE_FIELD_WATER ?? 'water', power: VITE_FIELD_POWER ?? 'power' },
  autoPush: { everySeconds: 2 },
  // A key that was revoked by mistake must not cost readings.
  onRefusedCredentials: 'keep',
});
