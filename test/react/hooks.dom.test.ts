import type { ReactNode } from 'react';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createEmulator, type Emulator } from '../../src/emulator.js';
import { type Api, type ApiOptions, memoryStorage, type StorageAdapter, type WatchOptions } from '../../src/index.js';
import { API_KEY, credentials, DEVICE_ID } from '../support/builders/credentials.js';
import { type HooksUnderTest, loadHooks, REACT_VERSIONS } from '../support/react/react-versions.js';

const SOON = { timeout: 15_000 };
const OTHER_DEVICE = '33333333-3333-4333-8333-333333333333';

/** A memory storage that counts its writers. */
function countingStorage(): StorageAdapter & {
  open: StorageAdapter['open'];
  readonly living: Set<string>;
  opened: number;
} {
  const storage = memoryStorage();
  const living = new Set<string>();
  const counting = {
    durability: storage.durability,
    living,
    opened: 0,
    open(...given: Parameters<StorageAdapter['open']>) {
      const writer = storage.open(...given);
      const close = writer.close.bind(writer);
      counting.opened += 1;
      living.add(writer.id);
      writer.close = () => {
        living.delete(writer.id);
        close();
      };
      return writer;
    },
  };
  return counting;
}

interface ReaderProps extends WatchOptions {
  readonly options: ApiOptions;
  readonly field?: string;
}

describe.each(REACT_VERSIONS)('the hooks, in React $version', ({ version, folder }) => {
  let emulator: Emulator;
  let options: ApiOptions;
  let under: HooksUnderTest;

  beforeEach(async () => {
    Reflect.set(globalThis, 'IS_REACT_ACT_ENVIRONMENT', true);
    const devices = [DEVICE_ID, OTHER_DEVICE].map((deviceId) => ({
      deviceId,
      apiKeys: [{ key: API_KEY, read: true, write: true }],
    }));
    emulator = createEmulator({ devices });
    options = { ...credentials, fetch: emulator.fetch };
    localStorage.clear();
  });
  beforeAll(async () => {
    under = await loadHooks(folder);
    expect(under.React.version).toMatch(new RegExp(`^${version}\\.`));
  }, 60_000);

  /** Renders into the page. */
  async function render(element: ReactNode) {
    const { React, client } = under;
    const container = document.createElement('main');
    document.body.append(container);
    const root = client.createRoot(container);
    const show = (next: ReactNode): Promise<void> => React.act(async () => root.render(next));
    const unmount = (): Promise<void> => React.act(async () => root.unmount());
    onTestFinished(async () => {
      await unmount();
      container.remove();
    });
    await show(element);
    const text = (): string | null => container.textContent;
    const shows = async (expected: string): Promise<void> => {
      Reflect.set(globalThis, 'IS_REACT_ACT_ENVIRONMENT', false);
      await expect.poll(text, SOON).toBe(expected);
      Reflect.set(globalThis, 'IS_REACT_ACT_ENVIRONMENT', true);
    };
    return { text, shows, show, unmount };
  }

  /** A component that shows how many entries are queued, and what it hands out. */
  function makeDevice() {
    const { React, hooks } = under;
    const seen: Api[] = [];
    function Device(props: { options: ApiOptions }): ReactNode {
      const api = hooks.useApi(props.options);
      const { committed, durability } = hooks.useStatus(api);
      if (seen.at(-1) !== api) seen.push(api);
      return React.createElement('p', undefined, `${committed} queued, ${durability}`);
    }
    return { Device, seen };
  }

  const last = (seen: readonly Api[]): Api => seen.at(-1) as Api;
  const isClosed = (api: Api): boolean => {
    try {
      api.addValue('probe', 1);
      api.reset();
      return false;
    } catch {
      return true;
    }
  };

  test('show how the status changes, and close the Api when the component is unmounted', async () => {
    const { React } = under;
    const { Device, seen } = makeDevice();
    const page = await render(React.createElement(Device, { options }));
    expect(page.text()).toBe('0 queued, tab');
    await React.act(async () => {
      last(seen).addValue('temperature', 21.5);
      last(seen).commit();
    });
    expect(page.text()).toBe('1 queued, tab');
    await React.act(async () => void (await last(seen).push()));
    expect(page.text()).toBe('0 queued, tab');
    expect(emulator.entries(DEVICE_ID)).toMatchObject([{ values: [{ fieldId: 'temperature', value: 21.5 }] }]);
    expect(seen).toHaveLength(1);
    await page.unmount();
    expect(isClosed(last(seen))).toBe(true);
  });

  test('keep the Api through the double mount of StrictMode, and close that of a discarded rendering', async () => {
    const { React } = under;
    const { Device, seen } = makeDevice();
    const storage = countingStorage();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const element = React.createElement(
      React.StrictMode,
      undefined,
      React.createElement(Device, { options: { ...options, storage } }),
    );
    const page = await render(element);
    expect(isClosed(last(seen))).toBe(false);
    await React.act(async () => {
      last(seen).addValue('temperature', 1);
      last(seen).commit();
    });
    expect(page.text()).toBe('1 queued, none');
    expect(storage.opened).toBe(2);
    vi.advanceTimersByTime(40_000);
    expect(storage.living.size).toBe(1);
    expect(isClosed(last(seen))).toBe(false);
    await page.unmount();
    expect(storage.living.size).toBe(0);
  });

  test('render on a server what a page hydrates without an error, whatever is queued in the page', async () => {
    const { React, server, client } = under;
    const left = makeDevice();
    const before = await render(React.createElement(left.Device, { options }));
    await React.act(async () => {
      last(left.seen).addValue('temperature', 1);
      last(left.seen).commit();
    });
    await before.unmount();

    const { Device, seen } = makeDevice();
    const html = server.renderToString(
      React.createElement(Device, { options: { ...options, storage: memoryStorage() } }),
    );
    expect(html).toContain('0 queued, none');
    const container = document.createElement('main');
    container.innerHTML = html;
    const errors: unknown[] = [];
    const onRecoverableError = (error: unknown): void => void errors.push(error);
    const element = React.createElement(React.StrictMode, undefined, React.createElement(Device, { options }));
    const root = await React.act(async () => client.hydrateRoot(container, element, { onRecoverableError }));
    onTestFinished(async () => React.act(async () => root.unmount()));
    expect(errors).toEqual([]);
    expect(container.textContent).toMatch(/^\d queued, tab$/);
    await React.act(async () => last(seen).ready);
    expect(errors).toEqual([]);
    expect(container.textContent).toBe('1 queued, tab');
  });

  test('read the options once a mount: another device needs a key', async () => {
    const { React } = under;
    const { Device, seen } = makeDevice();
    const other = { ...options, deviceId: OTHER_DEVICE };
    const page = await render(React.createElement(Device, { options, key: 1 }));
    const [first] = seen;
    await page.show(React.createElement(Device, { options: other, key: 1 }));
    expect(seen).toEqual([first]);
    await page.show(React.createElement(Device, { options: other, key: 2 }));
    expect(seen).toHaveLength(2);
    expect(isClosed(first as Api)).toBe(true);
    last(seen).addValue('temperature', 1);
    await React.act(async () => void (await last(seen).commitAndPush()));
    expect(emulator.entries(OTHER_DEVICE)).toHaveLength(1);
  });

  test('throw for the next error boundary where an option is invalid', async () => {
    const { Device } = makeDevice();
    const { Boundary, caught } = makeBoundary();
    const { React } = under;
    const device = React.createElement(Device, { options: { ...options, deviceId: 'x' } });
    await render(React.createElement(Boundary, undefined, device));
    expect(caught).toMatchObject([{ name: 'ConfigException' }]);
  });

  /** Catches what its children throw. */
  function makeBoundary() {
    const { React } = under;
    const caught: unknown[] = [];
    class Boundary extends React.Component<{ children?: ReactNode }, { hasFailed: boolean }> {
      override state = { hasFailed: false };
      static getDerivedStateFromError = () => ({ hasFailed: true });
      override componentDidCatch(error: unknown): void {
        caught.push(error);
      }
      override render(): ReactNode {
        return this.state.hasFailed ? 'failed' : this.props.children;
      }
    }
    const { error } = console;
    console.error = () => {};
    onTestFinished(() => {
      console.error = error;
    });
    return { Boundary, caught };
  }

  /** A component that shows the readings of a field, anew at each rendering with an array and options of its own. */
  function makeReader() {
    const { React, hooks } = under;
    let renderings = 0;
    let api: Api | undefined;
    function Reader(props: ReaderProps): ReactNode {
      const { options, field = 'temperature', everySeconds = 1, signal } = props;
      renderings += 1;
      api = hooks.useApi(options);
      const readings = hooks.useReadings(api, [field], { everySeconds, signal });
      return React.createElement('p', undefined, readings.map(({ value }) => String(value)).join() || 'nothing yet');
    }
    return { Reader, renderings: () => renderings, api: () => api as Api };
  }

  test('show the readings as they change, by one watch however often the component renders', async () => {
    const { React } = under;
    const { Reader, api } = makeReader();
    const requests: string[] = [];
    const fetch: ApiOptions['fetch'] = (url, init) => {
      if (init.method === 'GET') requests.push(url);
      return emulator.fetch(url, init);
    };
    const element = () => React.createElement(Reader, { options: { ...options, fetch } });
    const page = await render(element());
    expect(page.text()).toBe('nothing yet');
    await React.act(async () => {
      api().addValue('temperature', 19.5);
      await api().commitAndPush();
    });
    await page.shows('19.5');
    const asked = requests.length;
    for (let rendering = 0; rendering < 20; rendering++) await page.show(element());
    expect(requests.length - asked).toBeLessThanOrEqual(2);
    await React.act(async () => {
      api().addValue('temperature', 20);
      await api().commitAndPush();
    });
    await page.shows('20');
  });

  test('end the watch when the component is unmounted, in StrictMode too', async () => {
    const { React } = under;
    const { Reader } = makeReader();
    let underWay = 0;
    let asked = 0;
    const fetch: ApiOptions['fetch'] = (_url, { signal }) => {
      underWay += 1;
      asked += 1;
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          underWay -= 1;
          reject(signal.reason);
        }),
      );
    };
    const reader = React.createElement(Reader, { options: { ...options, fetch } });
    const page = await render(React.createElement(React.StrictMode, undefined, reader));
    await expect.poll(() => underWay, SOON).toBe(1);
    await page.unmount();
    expect(underWay).toBe(0);
    expect(asked).toBe(1);
  });

  /** @returns A `fetch` of the emulator, and the fields that it was asked for, a text for each request. */
  function recordingFetch() {
    const asked: string[] = [];
    const fetch: ApiOptions['fetch'] = (url, init) => {
      if (init.method === 'GET') asked.push(/temperature|humidity/.exec(url)?.[0] ?? url);
      return emulator.fetch(url, init);
    };
    return { asked, fetch };
  }

  async function store(api: Api, values: Readonly<Record<string, number>>): Promise<void> {
    for (const [field, value] of Object.entries(values)) api.addValue(field, value);
    await under.React.act(async () => void (await api.commitAndPush()));
  }

  test('show the readings of another field, and ask for the one before no more', async () => {
    const { React } = under;
    const { Reader, api } = makeReader();
    const { asked, fetch } = recordingFetch();
    const element = (field: string) => React.createElement(Reader, { options: { ...options, fetch }, field });
    const page = await render(element('temperature'));
    await store(api(), { temperature: 19.5, humidity: 60 });
    await page.shows('19.5');
    await page.show(element('humidity'));
    expect(page.text()).not.toBe('19.5');
    await page.shows('60');
    asked.length = 0;
    await expect.poll(() => asked.length, SOON).toBeGreaterThan(1);
    expect(new Set(asked)).toEqual(new Set(['humidity']));
    await store(api(), { humidity: 61 });
    await page.shows('61');
  });

  test('read at another interval once it changes', async () => {
    const { React } = under;
    const { Reader, api } = makeReader();
    const { asked, fetch } = recordingFetch();
    const element = (everySeconds: number) =>
      React.createElement(Reader, { options: { ...options, fetch }, everySeconds });
    const page = await render(element(3600));
    await expect.poll(() => asked.length, SOON).toBe(1);
    await page.show(element(1));
    await store(api(), { temperature: 19.5 });
    await page.shows('19.5');
    await expect.poll(() => asked.length, SOON).toBeGreaterThan(3);
  });

  test('end the watch by a signal, and go on showing the last readings', async () => {
    const { React } = under;
    const { Reader, api } = makeReader();
    const controller = new AbortController();
    const aborted: boolean[] = [];
    let isAnswered = true;
    const fetch: ApiOptions['fetch'] = (url, init) => {
      if (isAnswered) return emulator.fetch(url, init);
      const index = aborted.push(false) - 1;
      return new Promise((_resolve, reject) =>
        init.signal.addEventListener('abort', () => {
          aborted[index] = true;
          reject(init.signal.reason);
        }),
      );
    };
    const element = () => React.createElement(Reader, { options: { ...options, fetch }, signal: controller.signal });
    const page = await render(element());
    await store(api(), { temperature: 19.5 });
    await page.shows('19.5');
    isAnswered = false;
    await expect.poll(() => aborted, SOON).toEqual([false]);
    await React.act(async () => controller.abort());
    expect(aborted).toEqual([true]);
    await page.show(element());
    expect(page.text()).toBe('19.5');
    expect(aborted).toEqual([true]);
  });

  test('throw for the next error boundary where the server refuses to be read', async () => {
    const { React } = under;
    const { Reader } = makeReader();
    const { Boundary, caught } = makeBoundary();
    const reader = React.createElement(Reader, { options: { ...options, apiKey: OTHER_DEVICE } });
    const page = await render(React.createElement(Boundary, undefined, reader));
    await page.shows('failed');
    expect(caught).toMatchObject([{ name: 'GetException', status: 401 }]);
  });

  test.runIf(version === '19')('make a new Api where React shows a component again that it had hidden', async () => {
    const { React } = under;
    const { Device, seen } = makeDevice();
    const { Activity } = React;
    if (Activity === undefined) throw new Error('this React has no Activity');
    const element = (mode: string) => React.createElement(Activity, { mode }, React.createElement(Device, { options }));
    const page = await render(element('visible'));
    await page.show(element('hidden'));
    expect(isClosed(last(seen))).toBe(true);
    await page.show(element('visible'));
    expect(seen).toHaveLength(2);
    expect(isClosed(last(seen))).toBe(false);
  });
});
