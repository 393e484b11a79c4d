import { expect, test } from 'vitest';
import type { LifecycleEvent } from '../../src/index.js';
import { reactNativeEnvironment } from '../../src/react-native.js';
import { commitEach, openApi } from '../support/builders/api.js';
import { StubFetch } from '../support/fakes/stub-fetch.js';

/** `AppState` and `NetInfo` of an app, whose states the test sets. */
function fakeApp() {
  const states = new Set<(state: string) => void>();
  const networks = new Set<(state: { isConnected: boolean | null }) => void>();
  let isConnected: boolean | null = true;
  const AppState = {
    currentState: 'active',
    addEventListener(_type: 'change', listener: (state: string) => void) {
      states.add(listener);
      return { remove: () => void states.delete(listener) };
    },
  };
  const NetInfo = {
    addEventListener(listener: (state: { isConnected: boolean | null }) => void) {
      networks.add(listener);
      listener({ isConnected });
      return () => void networks.delete(listener);
    },
  };
  return {
    AppState,
    NetInfo,
    listeners: () => states.size + networks.size,
    become(state: string) {
      for (const listener of states) listener(state);
    },
    connect(value: boolean | null) {
      isConnected = value;
      for (const listener of networks) listener({ isConnected });
    },
  };
}

test('reports what changes, each once, and holds no listener when nobody listens', () => {
  const app = fakeApp();
  const environment = reactNativeEnvironment(app);
  expect(app.listeners()).toBe(0);
  const events: LifecycleEvent[] = [];
  const stop = environment.subscribe((event) => void events.push(event));
  const stopOther = environment.subscribe(() => {});
  expect(app.listeners()).toBe(2);
  app.become('inactive');
  app.become('background');
  expect(environment.isHidden).toBe(true);
  app.become('active');
  app.connect(null);
  app.connect(false);
  app.connect(false);
  expect(environment).toMatchObject({ isOnline: false, isHidden: false });
  app.connect(true);
  expect(events).toEqual(['hidden', 'visible', 'offline', 'online']);
  stop();
  stop();
  expect(app.listeners()).toBe(2);
  stopOther();
  expect(app.listeners()).toBe(0);
});

test('an Api pushes when the network is back, and reports it in its status', async () => {
  const app = fakeApp();
  const stub = new StubFetch(() => Promise.reject(new TypeError('Network request failed')));
  const api = openApi({
    fetch: stub.fetch,
    environment: reactNativeEnvironment(app),
    autoPush: { everySeconds: 0, atEntries: 1 },
  });
  app.connect(false);
  expect(api.status().online).toBe(false);
  commitEach(api, 1);
  await expect.poll(() => api.status().lastException?.retainedData).toBe(true);
  stub.answerWith(() => new Response('{"data":{}}'));
  app.connect(true);
  await expect.poll(() => api.status().committed).toBe(0);
  expect(api.status().online).toBe(true);
});

test('an Api sends entries that are only in memory as its app goes into the background', async () => {
  const app = fakeApp();
  const stub = new StubFetch();
  const api = openApi({ fetch: stub.fetch, environment: reactNativeEnvironment({ AppState: app.AppState }) });
  commitEach(api, 1);
  app.become('background');
  expect(stub.requests).toHaveLength(1);
  await expect.poll(() => api.status().committed).toBe(0);
});

test('refuses what is not an environment, and modules without AppState', () => {
  expect(() => reactNativeEnvironment({} as never)).toThrow('AppState must be that of react-native, got undefined');
  expect(() => openApi({ environment: {} as never })).toThrow(
    'environment must be an environment, such as reactNativeEnvironment({ AppState }), got an object',
  );
});

test("an Api works where process.on and process.off throw, as in Next's Edge runtime, and closes", async () => {
  const stub = new StubFetch();
  const { on, off } = process;
  process.on = process.off = () => {
    throw new Error('A Node.js API is used which is not supported in the Edge Runtime.');
  };
  try {
    const api = openApi({ fetch: stub.fetch });
    commitEach(api, 1);
    expect(await api.push()).toMatchObject({ pushed: 1, requests: 1 });
    await api.close();
  } finally {
    Object.assign(process, { on, off });
  }
});
