/**
 * The parts for React Native: storage of entries in `react-native-mmkv`, and the lifecycle of an app.
 *
 * @module nikdev-iot/react-native
 */

export {
  type AppStateLike,
  type AppStateSubscription,
  type NetInfoLike,
  type ReactNativeModules,
  reactNativeEnvironment,
} from './platform/react-native-environment.js';
export { type MmkvLike, mmkvStorage } from './storage/mmkv/mmkv-storage.js';
