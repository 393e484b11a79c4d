import { isReactive, reactive, readonly, ref, shallowReactive } from '@vue/reactivity';
import { expect, test } from 'vitest';
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
