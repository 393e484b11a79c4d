import { ConfigException } from '../core/model/exceptions.js';
import { show } from '../core/model/input.js';
import type { HostEnvironment, LifecycleEvent } from '../core/ports/environment.js';
import { sharedSubscription } from './shared-subscription.js';

/** Ends with `remove()`. */
export interface AppStateSubscription {
  /** Stops listening. */
  remove(): void;
}

/** The members of React Native's `AppState` that are used. */
export interface AppStateLike {
  /** `active`, `inactive` or `background`. */
  readonly currentState?: string | null;
  /** Calls `listener` with each new state. */
  addEventListener(type: 'change', listener: (state: string) => void): AppStateSubscription | undefined;
}

/** The members of `@react-native-community/netinfo` that are used. */
export interface NetInfoLike {
  /** Calls `listener` with each new state, and at once. @returns A function that stops listening. */
  addEventListener(listener: (state: { readonly isConnected: boolean | null }) => void): () => void;
}

/** The modules that {@link reactNativeEnvironment} listens to. */
export interface ReactNativeModules {
  /** `AppState` of `react-native`. */
  readonly AppState: AppStateLike;
  /** The default export of `@react-native-community/netinfo`. Without it the app counts as online. */
  readonly NetInfo?: NetInfoLike | undefined;
}

/**
 * Reports to an `Api` whether the app is in the foreground and whether there is a network: so that it pushes when either comes back,
 * sends what would be lost when the app leaves the foreground, and watches less often in the background.
 *
 * @throws A `ConfigException` if `AppState` is missing.
 * @example
 * ```ts
 * import { AppState } from 'react-native'
 * import NetInfo from '@react-native-community/netinfo'
 *
 * const environment = reactNativeEnvironment({ AppState, NetInfo })
 * const api = new Api({ deviceId: '…', apiKey: '…', environment, autoPush: true })
 * ```
 */
export function reactNativeEnvironment({ AppState, NetInfo }: ReactNativeModules): HostEnvironment {
  if (typeof AppState?.addEventListener !== 'function')
    throw new ConfigException(`AppState must be that of react-native, got ${show(AppState)}`);
  let isOnline = true;
  let isHidden = AppState.currentState === 'background';
  const onState = (state: string): LifecycleEvent | undefined => {
    // iOS reports `inactive` on the way into the background, and for as long as a call or a dialog covers the app.
    if (state !== 'active' && state !== 'background') return undefined;
    isHidden = state === 'background';
    return isHidden ? 'hidden' : 'visible';
  };
  const onNetwork = (isConnected: boolean | null): LifecycleEvent | undefined => {
    const before = isOnline;
    isOnline = isConnected !== false;
    if (isOnline === before) return undefined;
    return isOnline ? 'online' : 'offline';
  };
  const subscribe = sharedSubscription((emit) => {
    const emitIf = (event: LifecycleEvent | undefined): void => {
      if (event !== undefined) emit(event);
    };
    const change = AppState.addEventListener('change', (state) => emitIf(onState(state)));
    const leave = NetInfo?.addEventListener(({ isConnected }) => emitIf(onNetwork(isConnected)));
    return () => {
      change?.remove();
      leave?.();
    };
  });
  return {
    get isOnline() {
      return isOnline;
    },
    get isHidden() {
      return isHidden;
    },
    subscribe,
  };
}
