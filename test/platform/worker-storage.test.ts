import { expect, onTestFinished, test } from 'vitest';
import { memoryStorage } from '../../src/index.js';
import { openApi } from '../support/builders/api.js';
import { StubFetch } from '../support/fakes/stub-fetch.js';

test.each(['registration', 'onconnect'])(
  'a worker with %s warns that entries are lost with it, and says what to do',
  (name) => {
    Reflect.set(globalThis, name, null);
    onTestFinished(() => void Reflect.deleteProperty(globalThis, name));
    const { fetch } = new StubFetch();
    const { durability, warnings } = openApi({ fetch }).status();
    expect({ durability, warnings }).toMatchObject({
      durability: 'none',
      warnings: [{ code: 'storage-unavailable', message: expect.stringContaining('commitAndPush()') }],
    });
    expect(openApi({ fetch, storage: memoryStorage() }).status().warnings).toEqual([]);
  },
);

test('another program without a page does not warn', () => {
  expect(openApi({ fetch: new StubFetch().fetch }).status()).toMatchObject({ durability: 'none', warnings: [] });
});
