import { isReactive, reactive, readonly, ref, shallowReactive } from '@vue/reactivity';
import { proxy, snapshot } from 'valtio/vanilla';
import { expect, test } from 'vitest';
import type { Api } from '../../src/index.js';
import { openApi } from '../support/builders/api.js';
import { StubFetch } from '../support/fakes/stub-fetch.js';

test.each([
  ['reactive', reactive],
  ['readonly', readonly],
  ['shallowReactive', shallowReactive],
])("F58 Vue's %s leaves an Api as it is: it works within such state", async (_name, wrap) => {
  const state = wrap({ api: openApi({ fetch: new StubFetch().fetch }) });
  expect(isReactive(state.api)).toBe(false);
  state.api.addValue('a', 1);
  expect(await state.api.commitAndPush()).toEqual({ pushed: 1, requests: 1, expired: 0 });
});

test("F58 Vue's reactive(api) is that Api, as is ref(api)", () => {
  const api = openApi({ fetch: new StubFetch().fetch });
  expect(reactive(api)).toBe(api);
  expect(ref(api).value).toBe(api);
});

/** A proxy that wraps each object that it is asked for, as those of some state libraries. */
const deep = <Target extends object>(target: Target): Target =>
  new Proxy(target, {
    get(of, name, receiver) {
      const value: unknown = Reflect.get(of, name, receiver);
      return typeof value === 'object' && value !== null && !(value instanceof Promise) ? deep(value) : value;
    },
  });

test.each<[string, (api: Api) => Api]>([
  ["Valtio's proxy", (api) => proxy({ api }).api],
  ["Valtio's snapshot", (api) => snapshot(proxy({ api })).api as Api],
  ['a proxy without traps', (api) => new Proxy(api, {})],
  ['a proxy that wraps what it returns', deep],
  ['an object that inherits from it', (api) => Object.create(api) as Api],
])('F58 an Api works through %s', async (_name, wrap) => {
  const api = wrap(openApi({ fetch: new StubFetch().fetch }));
  api.addValue('a', 1);
  api.commit();
  expect(api.status().committed).toBe(1);
  expect(api.log()).toHaveLength(1);
  await api.ready;
  expect(await api.push()).toEqual({ pushed: 1, requests: 1, expired: 0 });
  await api.close();
  expect(() => api.addValue('a', 2)).toThrow('closed');
});

test('an Api shows none of its parts: neither to JSON, nor as a property that is listed', () => {
  const api = openApi({ fetch: new StubFetch().fetch });
  expect(Object.keys(api)).toEqual(['ready']);
  expect(JSON.stringify(api)).toBe('{"ready":{}}');
});
