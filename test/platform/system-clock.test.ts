import { afterEach, expect, test, vi } from 'vitest';
import { Api } from '../../src/index.js';
import { credentials } from '../support/builders/credentials.js';
import { reply, StubFetch } from '../support/fakes/stub-fetch.js';

afterEach(() => {
  vi.useRealTimers();
});

test.each(['the first test', 'the next one'])('an Api follows the fake timers of %s', async () => {
  vi.useFakeTimers();
  const body = JSON.stringify({ data: { servertime: 1, values: [] } });
  const stub = new StubFetch(() => reply(200, body));
  const api = new Api({ ...credentials, fetch: stub.fetch });
  const watch = api.watch('a', { everySeconds: 1 });
  void (async () => {
    for await (const _readings of watch);
  })();
  await vi.advanceTimersByTimeAsync(10_500);
  expect(stub.requests.length).toBeGreaterThanOrEqual(10);
  await api.close();
});
