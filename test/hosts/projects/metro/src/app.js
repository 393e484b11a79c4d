import { Api } from 'nikdev-iot';
import { mmkvStorage, reactNativeEnvironment } from 'nikdev-iot/react-native';
import { apiKey, deviceId } from './shared/credentials.js';

/** As `createMMKV()` of react-native-mmkv. */
function createMMKV() {
  const records = new Map();
  return {
    set: (key, value) => void records.set(key, value),
    getString: (key) => records.get(key),
    getAllKeys: () => [...records.keys()],
    remove: (key) => records.delete(key),
    delete: (key) => records.delete(key),
  };
}

/** As that of `react-native`. */
const AppState = { currentState: 'active', addEventListener: () => ({ remove() {} }) };

export async function runApp() {
  const { SERVER, VALUE } = globalThis.settings;
  const api = new Api({
    deviceId,
    apiKey,
    baseUrl: SERVER,
    storage: mmkvStorage(createMMKV()),
    environment: reactNativeEnvironment({ AppState }),
  });
  api.addValue('temperature', Number(VALUE));
  await api.commitAndPush();
  const [reading] = await api.get('temperature');
  await api.close();
  return `read back ${reading.value}`;
}
